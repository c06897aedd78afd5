"""``ExecutorInterface`` on processes of this machine."""

import asyncio
import os

from platform_executors._process_handle import ProcessDiedError, ProcessHandle
from platform_interfaces import ExecutorError, SecretsInterface, WorkerLostError
from platform_interfaces.execution import RemoteExecutor

MAX_ATTEMPTS = 3
"""So many workers may die with an item before it is given up."""


class ProcessesExecutor(RemoteExecutor):
    """As many processes as workers were asked for, else as there are processors; each has an item at a time.

    A process is started when there is an item for it, as a new interpreter, and kept until ``disconnect``.
    One that dies takes nothing with it but the attempt at its item, which another one repeats. When this
    process ends, however it ends, they end within seconds.
    """

    def __init__(self, secrets: SecretsInterface | None = None) -> None:
        """Take ``secrets`` as every adapter does, and read nothing from it."""
        self._is_connected = False
        self._free_names = asyncio.LifoQueue[str]()
        self._handles: dict[str, ProcessHandle] = {}

    async def connect(self) -> None:
        if self._is_connected:
            return
        self._is_connected = True
        self._free_names = asyncio.LifoQueue()
        for number in range(self.workers or os.cpu_count() or 1, 0, -1):
            self._free_names.put_nowait(str(number))

    async def disconnect(self) -> None:
        self._is_connected = False
        handles, self._handles = self._handles, {}
        await asyncio.gather(*(handle.stop() for handle in handles.values()))

    async def run_call(self, call: bytes) -> bytes:
        self._check_connected()
        free_names = self._free_names
        name = await free_names.get()
        try:
            self._check_connected()
            for attempt in range(1, MAX_ATTEMPTS + 1):
                try:
                    return await self._ask(name, call)
                except ProcessDiedError as error:
                    self._check_connected()
                    ending = str(error)
                    self.log.warn("A worker died", worker=name, ending=ending, attempt=attempt)
        finally:
            free_names.put_nowait(name)
        raise WorkerLostError(
            f"{MAX_ATTEMPTS} worker processes died with the item, the last by {ending}: "
            "if that is SIGKILL, see whether the machine was out of memory"
        )

    async def _ask(self, name: str, call: bytes) -> bytes:
        """Return the answer of the process of a name, which is started unless it runs."""
        if name not in self._handles:
            handle = await ProcessHandle.start(name, self.open_worker_context, self.log)
            self._handles[name] = handle
        handle = self._handles[name]
        try:
            self._check_connected()
            return await handle.ask(call)
        except BaseException:  # it died, or it goes on with an item that was given up
            self._handles.pop(name, None)
            await handle.stop()
            raise

    def _check_connected(self) -> None:
        if not self._is_connected:
            raise ExecutorError("the executor is not connected: call connect() first")
