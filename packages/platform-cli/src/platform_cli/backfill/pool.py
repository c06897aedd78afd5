"""The dates of a backfill, some at a time."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence

from platform_cli.backfill.outcome import DateOutcome, DateStatus
from platform_interfaces import FailureKind

MAX_SAME_FAILURES = 3
"""After so many dates in a row that failed for a reason which is that of every date, no other is started."""

_OF_EVERY_DATE = {
    FailureKind.CONFIGURATION,
    FailureKind.DATABASE_UNREACHABLE,
    FailureKind.MIGRATION_FAILED,
}


class Streak:
    """Counts the dates in a row that failed for the same reason, of those that no date can escape."""

    def __init__(self) -> None:
        self._kind, self._count = "", 0

    def add(self, outcome: DateOutcome) -> None:
        """Take the outcome of the next date to end."""
        kind = outcome.failure_kind if outcome.status is DateStatus.FAILED else ""
        self._count = self._count + 1 if kind == self._kind else 1
        self._kind = kind

    @property
    def reason(self) -> str:
        """Return why no other date should be started; empty while it should."""
        if self._kind in _OF_EVERY_DATE and self._count >= MAX_SAME_FAILURES:
            return f"{self._count} dates in a row failed with {self._kind}"
        return ""


async def run_dates(
    dates: Sequence[dt.date],
    run: Callable[[dt.date], Awaitable[DateOutcome]],
    parallel: int,
    outcomes: dict[dt.date, DateOutcome],
) -> str:
    """Call ``run`` for each date, ``parallel`` at a time, and add what it returns to ``outcomes``.

    When it is cancelled, no other date is started, and it waits for those that are running.

    Returns:
        why not all dates were started; empty where they were.
    """
    waiting, streak = iter(dates), Streak()

    async def work() -> None:
        task = asyncio.current_task()
        for date in waiting:
            outcomes[date] = outcome = await run(date)
            streak.add(outcome)
            if streak.reason or (task and task.cancelling()):
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(min(parallel, len(dates))):
            group.create_task(work())
    return streak.reason if len(outcomes) < len(dates) else ""
