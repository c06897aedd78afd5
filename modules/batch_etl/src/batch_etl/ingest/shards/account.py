"""One account of what attempts report: how many rows are whose, and whether that adds up."""

from __future__ import annotations

from bisect import bisect_left
from contextlib import aclosing
from typing import TYPE_CHECKING

from batch_etl.ingest.met_pages import MetUnion
from batch_etl.ingest.window import TICK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batch_etl.ingest.report import Report
    from batch_etl.ingest.retrying import Retries
    from batch_etl.ingest.shards.attempt import ShardResult, ShardTask
    from batch_etl.ingest.table import TargetTable
    from batch_etl.ingest.window import RunWindow
    from platform_interfaces import DatabaseInterface


async def settle(
    db: DatabaseInterface,
    table: TargetTable,
    window: RunWindow,
    retries: Retries,
    results: Sequence[tuple[ShardTask, ShardResult]],
    report: Report,
) -> str | None:
    """Set how many rows were inserted and skipped, and return what does not add up.

    Attempts cannot simply be added up, for one may have found the rows of another, which died. So the table
    says what was inserted, the ids of older rows say what was skipped, and the others are duplicates.
    """
    met = MetUnion()
    for _, result in results:
        met.add(result.met)
    counted = _RowCounts(results)
    async for attempt in retries.attempts():
        with attempt:
            await counted.fetch(db, table, window)
    report.settle(inserted=counted.rows, skipped=len(met))
    reported = sum(part.account.totals.inserted for _, result in results for part in result.parts)
    # Rows of an attempt whose result is not counted are found in the table only.
    if reported > counted.rows or (reported != counted.rows and counted.rows == counted.rows_of_results):
        return await table.explain_count(window.after, reported, counted.rows)
    return None


class _RowCounts:
    """How many rows of the run the table has, and how many of these are of the attempts that are counted."""

    def __init__(self, results: Sequence[tuple[ShardTask, ShardResult]]) -> None:
        self._ends = {
            result.attempt_after: result.attempt_after + task.ticks.writes * TICK
            for task, result in results
            if result.attempt_after and task.ticks
        }
        self._starts = sorted(self._ends)
        self.rows = self.rows_of_results = 0

    async def fetch(self, db: DatabaseInterface, table: TargetTable, window: RunWindow) -> None:
        """Ask the table."""
        self.rows = self.rows_of_results = 0
        query = (
            f"SELECT created_at, COUNT(*) AS n FROM {table.quoted} "  # noqa: S608 - quoted
            "WHERE event_date = $1 AND created_at > $2 AND created_at <= $3 GROUP BY created_at"
        )
        async with aclosing(db.stream(query, [table.event_date, window.after, window.until])) as rows:
            async for row in rows:
                self.rows += row["n"]
                index = bisect_left(self._starts, row["created_at"]) - 1
                if index >= 0 and row["created_at"] <= self._ends[self._starts[index]]:
                    self.rows_of_results += row["n"]
