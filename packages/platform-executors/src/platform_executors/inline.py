"""``ExecutorInterface`` in this process."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

from platform_interfaces import (
    ExecutorError,
    ExecutorInterface,
    ItemT,
    Outcome,
    PlatformContext,
    ResultT,
    SecretsInterface,
)
from platform_interfaces.execution import check_call, dump_message


class InlineExecutor(ExecutorInterface):
    """Calls the function with the context of the run, for one item after the other, however many workers.

    What could not be sent to a worker is an error here, too, so that a module meets it in its tests.
    """

    is_in_process = True

    def __init__(self, secrets: SecretsInterface | None = None) -> None:
        """Take ``secrets`` as every adapter does, and read nothing from it."""
        self._is_connected = False

    async def connect(self) -> None:
        self._is_connected = True

    async def disconnect(self) -> None:
        self._is_connected = False

    async def map_unordered(
        self,
        fn: Callable[[PlatformContext, ItemT], Awaitable[ResultT]],
        items: Iterable[ItemT],
        *,
        max_in_flight: int,
    ) -> AsyncGenerator[Outcome[ItemT, ResultT], None]:
        check_call(fn, max_in_flight)
        for item in items:
            if not self._is_connected:
                raise ExecutorError("the executor is not connected: call connect() first")
            yield await self._call(fn, item)

    async def _call(
        self, fn: Callable[[PlatformContext, ItemT], Awaitable[ResultT]], item: ItemT
    ) -> Outcome[ItemT, ResultT]:
        try:
            dump_message(item, "an item")
            result = await fn(self.context, item)
            dump_message(result, f"the result of {fn.__qualname__!r}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this item
            return Outcome(item, error=error)
        return Outcome(item, result)
