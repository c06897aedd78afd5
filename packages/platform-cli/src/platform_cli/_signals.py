"""End a run on SIGINT, SIGTERM or SIGHUP: cleanly, but within a limit."""

import asyncio
import os
import signal
import threading
from types import FrameType
from typing import Any, Self

STOP_SECONDS = 20.0
"""How long a run may take to end after a signal; then the process ends as it is."""


class StopSignals:
    """A block in which the first signal cancels the watched task, and the second ends the process at once.

    A signal that the process was started to ignore stays ignored, as by ``nohup``, or in the background of a
    script.

    Attributes:
        received: the signal that cancelled the task, or None.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._task: asyncio.Task[Any] | None = None
        self._deadline: threading.Timer | None = None

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Cancel ``task`` at the first signal, or now if that was before."""
        self._task = task
        if self.received:
            task.cancel()

    def __enter__(self) -> Self:
        self._previous = {
            number: signal.signal(number, self._stop)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) != signal.SIG_IGN
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self._deadline:
            self._deadline.cancel()

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        for each in self._previous:
            signal.signal(each, signal.SIG_DFL)
        # A thread, because the event loop may be what does not end.
        self._deadline = threading.Timer(STOP_SECONDS, os._exit, (128 + number,))
        self._deadline.daemon = True
        self._deadline.start()
        if self._task is None or not self._task.done():
            self.received = signal.Signals(number)
        if self._task:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
