"""Cleaned events into the table, each exactly once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from batch_etl.job import Job
from batch_etl.transformer import Event
from platform_interfaces import (
    DatabaseInterface,
    DataError,
    LoggingInterface,
    PlatformError,
    Row,
    quote_table,
    split_table,
)

RETRY_SECONDS = 120.0  # how long a batch is tried again while the database is away
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
_PAGE_BYTES = 4096


@dataclass(frozen=True)
class Written:
    """What became of some events: numbers of rows, and the keys of those that the database refuses."""

    inserted: int = 0
    duplicates: int = 0  # this run has met the same event before
    skipped: int = 0  # the same event was in the table before this run
    refused: frozenset[str] = frozenset()

    def __add__(self, other: Written) -> Written:
        """Both together."""
        return Written(
            self.inserted + other.inserted,
            self.duplicates + other.duplicates,
            self.skipped + other.skipped,
            self.refused | other.refused,
        )


class TableWriter:
    """Writes to the target table, and knows what this run has written and met there.

    The table is shaped like ``cleaned_events``: an integer ``id``, ``dedup_key`` unique. Every batch has a
    ``created_at`` of its own, a microsecond after the one before it; so the table itself can tell what a
    batch has stored, even when the answer to its commit was lost.
    """

    def __init__(self, db: DatabaseInterface, log: LoggingInterface, job: Job) -> None:
        self._db, self._log, self._job = db, log, job
        self._table = quote_table(job.target_table)
        self._last = job.started_at
        self._seen = SeenRows()
        self._has_written = False

    async def write(self, events: Sequence[Event]) -> Written:
        """Insert the events that the table does not have yet, ``batch_size`` rows at a time.

        Each batch is kept whole or not at all, and is tried again for two minutes while an error may pass
        by itself. When the database refuses a value, the batch is halved until the row is found, and the
        others are kept.

        Raises:
            DatabaseError: when a batch cannot be written, or every row of the first one is refused; what was
                written before stays.
        """
        size = self._job.batch_size
        total, pending = Written(), [events[start : start + size] for start in range(0, len(events), size)]
        pending.reverse()
        while pending:
            batch = pending.pop()
            try:
                total += await self._write_batch(batch)
                self._has_written = True
            except DataError as error:
                if len(batch) > 1:
                    middle = len(batch) // 2
                    pending += [batch[middle:], batch[:middle]]
                    continue
                self._log.warn("Row refused", reason=str(error))
                total += Written(refused=frozenset([batch[0]["dedup_key"]]))
                if len(total.refused) == min(size, len(events)) > 1 and not self._has_written:
                    raise  # it is not the rows: the table takes none
        return total

    def close(self) -> None:
        """Nothing to let go of; a dry run has something."""

    async def count_written(self) -> int:
        """The number of rows in the table that this run has inserted, asked anew."""
        async for attempt in retrying(self._log):
            with attempt:
                found = await self._db.fetch_one(
                    f"SELECT COUNT(*) AS n FROM {self._table} "  # noqa: S608 - quoted
                    "WHERE event_date = $1 AND created_at > $2 AND created_at <= $3",
                    [dt.date.fromisoformat(self._job.date), self._job.started_at, self._last],
                )
        return found["n"] if found else 0

    async def _write_batch(self, events: Sequence[Event]) -> Written:
        self._last += dt.timedelta(microseconds=1)
        rows = [_row(event, self._last) for event in events]
        async for attempt in retrying(self._log):
            with attempt:
                inserted = await self._db.bulk_insert(
                    self._job.target_table, rows, skip_conflicts_on=["dedup_key"]
                )
                is_plain = inserted == len(rows) and attempt.retry_state.attempt_number == 1
                found = [] if is_plain else await self._find(rows)
        if is_plain:
            return Written(inserted)
        inserted = sum(row["created_at"] == self._last for row in found)
        skipped = self._seen.add(row["id"] for row in found if not self._is_ours(row["created_at"]))
        return Written(inserted, duplicates=len(rows) - inserted - skipped, skipped=skipped)

    async def _find(self, rows: Sequence[Row]) -> list[Row]:
        """What the table has under the keys of ``rows``, which is all of them by now."""
        return await self._db.fetch_all(
            f"SELECT id, created_at FROM {self._table} WHERE dedup_key = ANY($1)",  # noqa: S608 - quoted
            [[row["dedup_key"] for row in rows]],
        )

    def _is_ours(self, created_at: dt.datetime) -> bool:
        return self._job.started_at < created_at <= self._last


def retrying(log: LoggingInterface) -> AsyncRetrying:
    """Tries again, for two minutes, what fails with an error that may pass by itself."""

    def report(state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        log.warn("Trying again", attempt=state.attempt_number, reason=str(error))

    return AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, PlatformError) and error.is_transient),
        wait=wait_random_exponential(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS),
        stop=stop_after_delay(RETRY_SECONDS),
        before_sleep=report,
        reraise=True,
    )


async def lock_name(db: DatabaseInterface, job: Job) -> str:
    """The lock that one run at a time holds for its table and date, however the table was named."""
    schema, table = split_table(job.target_table)
    if schema is None:
        row = await db.fetch_one("SELECT current_schema() AS name")
        schema = row["name"] if row else None
    return f"batch_etl:{schema}.{table}:{job.date}"


async def next_moment(db: DatabaseInterface, job: Job) -> dt.datetime:
    """The present, but no earlier than the newest row of the date."""
    newest = await db.fetch_one(
        f"SELECT MAX(created_at) AS moment FROM {quote_table(job.target_table)} "  # noqa: S608 - quoted
        "WHERE event_date = $1",
        [dt.date.fromisoformat(job.date)],
    )
    now = dt.datetime.now(dt.UTC)
    return max(now, newest["moment"]) if newest and newest["moment"] else now


class SeenRows:
    """The rows of earlier runs that this run has met, one bit for each ``id``."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def add(self, ids: Iterable[int]) -> int:
        """The number of rows that were not met before."""
        return sum(self._add(row_id) for row_id in ids)

    def _add(self, row_id: int) -> bool:
        page_number, bit = divmod(row_id, 8 * _PAGE_BYTES)
        page = self._pages.setdefault(page_number, bytearray(_PAGE_BYTES))
        mask = 1 << (bit & 7)
        is_new = not page[bit >> 3] & mask
        page[bit >> 3] |= mask
        return is_new


def _row(event: Event, created_at: dt.datetime) -> Row:
    return {
        **event,
        "dedup_key": bytes.fromhex(event["dedup_key"]),
        "created_at": created_at,
    }
