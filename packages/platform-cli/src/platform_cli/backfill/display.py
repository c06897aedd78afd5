"""How far a backfill is, while it runs: live on a terminal, as log lines elsewhere."""

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from platform_cli.backfill.child_log import ChildLog, Event
from platform_cli.backfill.outcome import FIGURES, DateOutcome, DateStatus
from platform_interfaces import LoggingInterface

if TYPE_CHECKING:
    from platform_cli.backfill.live import LiveDates

_NOT_REPEATED = {"timestamp", "level", "event", "run_id", "module"}


class Display:
    """Shows which dates run and how the others ended; dates that failed are logged in any case.

    Args:
        log: where the lines go.
        count: how many dates will be run.
    """

    def __init__(self, log: LoggingInterface, count: int) -> None:
        self._log, self._left = log, count
        self._live = _make_live(count)

    @contextmanager
    def draw(self) -> Iterator[None]:
        """Draw on the terminal inside the block."""
        if self._live:
            self._live.start()
        try:
            yield
        finally:
            if self._live:
                self._live.stop()

    def begin(self, date: dt.date) -> None:
        """Show that ``date`` runs."""
        if self._live:
            self._live.begin(date)

    def end(self, outcome: DateOutcome, log: ChildLog) -> None:
        """Show how a date ended, with the last warnings and errors of its ``log`` where it failed."""
        self._left -= 1
        if self._live:
            self._live.end(outcome)
        if outcome.status is DateStatus.FAILED:
            with self._live.pause() if self._live else nullcontext():
                self._log_failure(outcome, log)
        elif not self._live:
            self._log.info(f"Date {outcome.status}", **self._fields(outcome), **_figures(outcome))

    def _log_failure(self, outcome: DateOutcome, log: ChildLog) -> None:
        for event in log.notable:
            write = self._log.error if event["level"] == "error" else self._log.warn
            write(event["event"], **_repeat(event, outcome.date))
        why = {"failure_kind": outcome.failure_kind, "error": outcome.error}
        self._log.error(f"Date {outcome.status}", **self._fields(outcome), **why)

    def _fields(self, outcome: DateOutcome) -> dict[str, Any]:
        run = {"run_id": outcome.run_id} if outcome.run_id else {}
        return {"date": str(outcome.date), "seconds": outcome.seconds, "left": self._left, **run}


def _make_live(count: int) -> "LiveDates | None":
    if not (sys.stderr and sys.stderr.isatty()):
        return None
    from platform_cli.backfill.live import LiveDates

    return LiveDates(count)


def _figures(outcome: DateOutcome) -> dict[str, int]:
    counts = {name: outcome.count(name) for name in FIGURES}
    return {name: count for name, count in counts.items() if count is not None}


def _repeat(event: Event, date: dt.date) -> dict[str, Any]:
    return {**{name: value for name, value in event.items() if name not in _NOT_REPEATED}, "date": str(date)}
