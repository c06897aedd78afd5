"""A worker process: ``python -m platform_executors.worker_process``, with a pipe to the run and one from it.

Calls come by standard input, which ends when the run ends, however it ends; then the worker gives up what it
does, and closes what it has opened.
"""

import asyncio
import os
import pickle
import signal
import sys
import threading
from contextlib import suppress
from typing import BinaryIO

from platform_executors._frames import HEADER, Kind, to_frame
from platform_interfaces import LogEvent
from platform_interfaces.execution import Worker, WorkerLogger

STOP_SECONDS = 3.0
"""How long a worker may take to close what it has opened; then the process ends as it is."""


class _Sender:
    """Sends messages to the run, from any thread."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe, self._lock = pipe, threading.Lock()

    def send(self, kind: Kind, body: bytes) -> None:
        with self._lock, suppress(BrokenPipeError):  # the run has ended, and the end of the calls says so
            self._pipe.write(to_frame(kind, body))
            self._pipe.flush()

    def send_event(self, event: LogEvent) -> None:
        self.send(Kind.EVENT, pickle.dumps(event))


def main() -> None:
    """Answer calls until there are no more."""
    calls, answers = _take_pipes()
    sys.path[:], name, recipe = pickle.loads(_read(calls))
    worker = Worker(pickle.loads(recipe), name, WorkerLogger((sender := _Sender(answers)).send_event))
    with suppress(asyncio.CancelledError):
        asyncio.run(_serve(worker, calls, sender))


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes of the calls and the answers; what is printed goes to standard error instead."""
    for number in (signal.SIGINT, signal.SIGHUP):  # whoever stops the run stops its workers by it
        signal.signal(number, signal.SIG_IGN)
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return calls, answers


def _read(pipe: BinaryIO) -> bytes:
    """Return the next message; empty at the end."""
    header = pipe.read(HEADER.size)
    return pipe.read(HEADER.unpack(header)[1]) if len(header) == HEADER.size else b""


async def _serve(worker: Worker, calls: BinaryIO, sender: _Sender) -> None:
    loop, received = asyncio.get_running_loop(), asyncio.Queue[bytes]()
    [serving] = asyncio.all_tasks()

    def receive() -> None:
        while call := _read(calls):
            loop.call_soon_threadsafe(received.put_nowait, call)
        loop.call_soon_threadsafe(serving.cancel)
        threading.Event().wait(STOP_SECONDS)
        os._exit(1)

    # A thread, because the loop may be busy with an item when the run ends.
    threading.Thread(target=receive, daemon=True).start()
    try:
        while True:
            sender.send(Kind.ANSWER, await worker.answer(await received.get()))
    finally:
        await worker.aclose()


if __name__ == "__main__":
    main()
