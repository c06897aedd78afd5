"""The timestamps by which the rows of one run are known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from platform_interfaces import PlatformError, Run

RESERVED_WRITES = 1000
"""How many writes the history knows of in advance: that many microseconds."""

TICK = dt.timedelta(microseconds=1)
_AFTER, _UNTIL = "created_after", "created_until"


class Start(NamedTuple):
    """The timestamp that all rows of a run come after; ``is_now`` says that it is the time of the server."""

    at: dt.datetime
    is_now: bool


class Window(Protocol):
    """Timestamps for rows; see ``RunWindow``."""

    @property
    def after(self) -> dt.datetime:
        """Return the timestamp that all rows of the run come after."""

    @property
    def until(self) -> dt.datetime:
        """Return the latest that a row of the run may have so far."""

    async def take(self) -> dt.datetime:
        """Return the ``created_at`` of the next write."""


class RunWindow:
    """The ``created_at`` of the rows of one run, a microsecond for each write, while the run writes them.

    The figures of the run have ``created_after`` and ``created_until``. The history has them before a row
    has such a timestamp, for some writes in advance; at the end they are exact. So the rows of a run whose
    process died are known, too: another run of the date begins later than these few microseconds. Behind rows
    with timestamps in the future it may not; then the end of the window is open until the run ends.

    Attributes:
        after: the timestamp that all rows of the run come after.
        until: the latest that a row of the run may have so far.
        is_now: whether the first is the time of the server.
    """

    def __init__(self, run: Run, start: Start) -> None:
        self._run, self.is_now = run, start.is_now
        self.after = self.until = start.at
        self._renewed_at = start.at

    async def __aenter__(self) -> Self:
        """Have the history know the window."""
        await self._reserve()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Set the exact end; the history has it when the run ends."""
        self._set_figures(self.until)

    async def take(self) -> dt.datetime:
        """Return the ``created_at`` of the next write; no two writes have one in common."""
        self.until += TICK
        taken = self.until
        # Early, so that writes beside this one have some left while it waits.
        if taken - self._renewed_at > RESERVED_WRITES // 2 * TICK:
            await self._reserve()
        return taken

    async def extend(self, until: dt.datetime) -> None:
        """Let rows of the run have any timestamp up to ``until``; the history knows that before any has."""
        self.until = until
        await self._reserve()

    async def _reserve(self) -> None:
        self._renewed_at = self.until
        self._set_figures(self.until + RESERVED_WRITES * TICK if self.is_now else None)
        await self._run.save_figures()

    def _set_figures(self, until: dt.datetime | None) -> None:
        self._run.figures[_AFTER] = self.after.isoformat()
        self._run.figures[_UNTIL] = until and until.isoformat()


def read_window(figures: Mapping[str, Any]) -> tuple[dt.datetime, dt.datetime]:
    """Return the window that a run has left in its figures: rows come after the first, up to the second.

    Raises:
        PlatformError: when it is not known exactly; says why.
    """
    after, until = figures.get(_AFTER), figures.get(_UNTIL)
    if after and until:
        return dt.datetime.fromisoformat(after), dt.datetime.fromisoformat(until)
    if not after:
        raise PlatformError(
            f"the run has no {_AFTER!r} in its figures: it ended before it wrote a row, or its history could "
            "not be written"
        )
    raise PlatformError(
        f"the process of the run died, and has left no {_UNTIL!r} in its figures, because other rows of the "
        "date had timestamps in the future: which rows are its own is not known"
    )
