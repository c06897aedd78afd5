"""How far a backfill is, while it runs: rows of a terminal that change, or lines of the log."""

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from platform_cli.backfill.child_log import ChildLog, Event
from platform_cli.backfill.outcome import COUNTS, DateOutcome, DateStatus
from platform_cli.progress.display import can_draw, draw_rows
from platform_cli.run.options import RunOptions
from platform_cli.settings import Settings
from platform_interfaces import LoggingInterface

if TYPE_CHECKING:
    from platform_cli.backfill.live import LiveDates

_NOT_REPEATED = {"timestamp", "level", "event", "run_id", "module"}


def make_display(log: LoggingInterface, count: int, settings: Settings, options: RunOptions) -> "Display":
    """Return what shows ``count`` dates, where and as much as the settings and options say."""
    if options.is_quiet or not can_draw(settings):
        return Display(log, count, is_verbose=options.is_verbose)
    from platform_cli.backfill.live import LiveDates

    return Display(log, count, is_verbose=options.is_verbose, live=LiveDates(count, sys.stderr))


class Display:
    """Shows which dates run and how the others ended; dates that failed are logged in any case.

    Args:
        log: where the lines go.
        count: how many dates will be run.
        is_verbose: whether warnings and errors of all dates are logged, not only of those that failed.
        live: the rows that are drawn; None where there is no terminal for them.
    """

    def __init__(
        self, log: LoggingInterface, count: int, *, is_verbose: bool, live: "LiveDates | None" = None
    ) -> None:
        self._log, self._left, self._is_verbose, self._live = log, count, is_verbose, live

    @contextmanager
    def draw(self) -> Iterator[None]:
        """Return a block in which rows are drawn on the terminal, below what is logged."""
        if self._live is None:
            yield
            return
        with draw_rows(self._live.render):
            yield

    def begin(self, date: dt.date, log: ChildLog) -> None:
        """Show that ``date`` runs."""
        if self._live:
            self._live.begin(date, log)

    def end(self, outcome: DateOutcome, log: ChildLog) -> None:
        """Show how a date ended, with the last warnings and errors of its ``log`` where it failed."""
        self._left -= 1
        if self._live:
            self._live.end(outcome)
        is_failed = outcome.status is DateStatus.FAILED
        if is_failed or self._is_verbose:
            for event in log.notable:
                if self._live and event["level"] == "error" and not self._is_verbose:
                    continue  # the report below the rows says the same
                write = self._log.error if event["level"] == "error" else self._log.warn
                write(event["event"], **_repeat(event, outcome.date))
        if is_failed:
            why = {"failure_kind": outcome.failure_kind}
            if not self._live:  # where it would stand beside the report
                why["error"] = outcome.error
            self._log.error("Date failed", **self._fields(outcome), **why)
        elif self._is_verbose or not self._live:
            self._log.info(f"Date {outcome.status}", **self._fields(outcome), **_figures(outcome))

    def _fields(self, outcome: DateOutcome) -> dict[str, Any]:
        run = {"run_id": outcome.run_id} if outcome.run_id else {}
        return {"date": str(outcome.date), "seconds": outcome.seconds, "left": self._left, **run}


def _figures(outcome: DateOutcome) -> dict[str, int]:
    counts = {name: outcome.count(name) for name in COUNTS}
    return {name: count for name, count in counts.items() if count is not None}


def _repeat(event: Event, date: dt.date) -> dict[str, Any]:
    return {**{name: value for name, value in event.items() if name not in _NOT_REPEATED}, "date": str(date)}
