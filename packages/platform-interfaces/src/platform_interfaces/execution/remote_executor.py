"""An executor whose workers are elsewhere: all but the way to them."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from itertools import islice

from platform_interfaces.context import PlatformContext
from platform_interfaces.errors import ExecutorError, WorkerLostError
from platform_interfaces.execution.messages import check_call, dump_message, load_answer
from platform_interfaces.executor import ExecutorInterface, ItemT, Outcome, ResultT


class RemoteExecutor(ExecutorInterface):
    """The base of executors with workers elsewhere, where a ``Worker`` answers the calls."""

    @abstractmethod
    async def run_call(self, call: bytes) -> bytes:
        """Return the answer of a worker to a call; where that is lost, of another one, up to a limit.

        To cancel it gives up the call.

        Raises:
            WorkerLostError: when the limit is reached.
            ExecutorError: when the executor is not connected, or is lost: no other call will do better.
        """

    async def map_unordered(
        self,
        fn: Callable[[PlatformContext, ItemT], Awaitable[ResultT]],
        items: Iterable[ItemT],
        *,
        max_in_flight: int,
    ) -> AsyncGenerator[Outcome[ItemT, ResultT], None]:
        check_call(fn, max_in_flight)
        source, running = iter(items), set[asyncio.Task[Outcome[ItemT, ResultT]]]()
        try:
            while True:
                for item in islice(source, max_in_flight - len(running)):
                    running.add(asyncio.create_task(self._find_outcome(fn, item)))
                if not running:
                    return
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                ended = next(task for task in running if task.done())
                running.remove(ended)
                yield ended.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _find_outcome(
        self, fn: Callable[[PlatformContext, ItemT], Awaitable[ResultT]], item: ItemT
    ) -> Outcome[ItemT, ResultT]:
        try:
            call = dump_message((fn, item), "an item")
        except ExecutorError as error:
            return Outcome(item, error=error)
        try:
            answer = await self.run_call(call)
        except WorkerLostError as error:
            return Outcome(item, error=error)
        return Outcome(item, *load_answer(answer))
