"""A worker process, as the run sees it."""

import asyncio
import pickle
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Self, cast

from platform_executors._frames import HEADER, Kind, to_frame
from platform_interfaces import ExecutorError, LoggingInterface, OpenWorkerContext
from platform_interfaces.execution import replay

STOP_SECONDS = 5.0
"""How long a process may take to end by itself; it needs 3 at most unless it hangs. Then it is killed."""


class ProcessDiedError(Exception):
    """The process ended before it had answered; the text says how."""


class ProcessHandle:
    """A worker process; it ends when the pipe of its calls does, by ``stop`` or the end of this process."""

    def __init__(self, process: Process, log: LoggingInterface) -> None:
        self._process, self._log = process, log
        self._lock = asyncio.Lock()  # one at a time reads the answers
        self._calls = cast("asyncio.StreamWriter", process.stdin)
        self._answers = cast("asyncio.StreamReader", process.stdout)

    @classmethod
    async def start(cls, name: str, recipe: OpenWorkerContext, log: LoggingInterface) -> Self:
        """Start a process.

        Raises:
            ExecutorError: when that is not possible.
        """
        # In a session of its own, so that Ctrl-C on a terminal reaches the run alone. "-P" keeps the working
        # directory from hiding modules.
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "platform_executors.worker_process"),
                stdin=PIPE,
                stdout=PIPE,
                start_new_session=True,
            )
        )
        try:
            process = await asyncio.shield(starting)
        except OSError as error:
            raise ExecutorError(f"worker process {name} cannot be started: {error.strerror}") from error
        except asyncio.CancelledError:
            process = await starting  # asyncio may wait for ever for one that is cancelled as it starts
            process.kill()
            await process.wait()
            raise
        handle = cls(process, log.bind(worker=name))
        handle._calls.write(to_frame(Kind.SET_UP, pickle.dumps((sys.path, name, pickle.dumps(recipe)))))
        return handle

    async def ask(self, call: bytes) -> bytes:
        """Return the answer to a call; what the worker logs until then is logged.

        Raises:
            ProcessDiedError: when the process ends instead.
        """
        async with self._lock:
            with suppress(ConnectionError):  # the end of its answers says how it has ended
                self._calls.write(to_frame(Kind.CALL, call))
                await self._calls.drain()
            if answer := await self._read_answer():
                return answer
        code = await self._process.wait()
        raise ProcessDiedError(signal.Signals(-code).name if code < 0 else f"exit code {code}")

    async def stop(self) -> None:
        """End the process, which closes what it has opened; one that hangs is killed."""
        self._calls.close()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS), self._lock:
                    while await self._read_answer():
                        pass
                    await self._process.wait()
        finally:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _read_answer(self) -> bytes:
        """Return the next answer; empty at the end. Events that come before it are logged."""
        while True:
            try:
                kind, length = HEADER.unpack(await self._answers.readexactly(HEADER.size))
                body = await self._answers.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return b""
            if kind == Kind.ANSWER:
                return body
            replay(self._log, pickle.loads(body))
