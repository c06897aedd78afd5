"""The block that shows a backfill on a terminal; rich draws it."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from platform_cli.backfill.outcome import DateOutcome, DateStatus


class LiveDates:
    """A line for all dates, and one for each date that runs.

    Args:
        count: how many dates will be run.
    """

    def __init__(self, count: int) -> None:
        left = TextColumn("left", style="dim")
        self._all = Progress(
            BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn(), left
        )
        self._overall = self._all.add_task("dates", total=count)
        self._running = Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._tasks: dict[dt.date, TaskID] = {}
        self._failed = 0
        self._live = Live(Group(self._all, self._running), console=Console(stderr=True), transient=True)

    def start(self) -> None:
        """Draw it, until ``stop``."""
        self._live.start()

    def stop(self) -> None:
        """Remove it from the terminal."""
        self._live.stop()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Leave the terminal to others inside the block."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def begin(self, date: dt.date) -> None:
        """Add a line for a date."""
        self._tasks[date] = self._running.add_task(str(date), total=None)

    def end(self, outcome: DateOutcome) -> None:
        """Count a date, and remove its line."""
        self._running.remove_task(self._tasks.pop(outcome.date))
        self._failed += outcome.status is DateStatus.FAILED
        description = f"dates, [red]{self._failed} failed[/]" if self._failed else "dates"
        self._all.update(self._overall, advance=1, description=description)
