"""Cleaned events into the table, each exactly once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import IntEnum
from operator import itemgetter
from typing import NamedTuple

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
    ConstraintError,
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
_CAREFUL_WRITES = 8  # after one that met rows which were there already
_PAGE_ROWS = 32_768
_COLUMNS = "event_type, payload, source, event_date, dedup_key, created_at"


class Outcome(IntEnum):
    """What became of a cleaned event."""

    INSERTED = 0
    DUPLICATE = 1  # this run has met the same event before
    SKIPPED = 2  # the same event was in the table before this run
    REFUSED = 3  # by the database
    LEFT_OUT = 4  # for this is a dry run


class _Span(NamedTuple):
    """The first and the last ``created_at`` of a write."""

    first: dt.datetime
    last: dt.datetime


class TableWriter:
    """Writes to the target table, and knows what this run has written and met there.

    The table is shaped like ``cleaned_events``: an integer ``id``, ``dedup_key`` unique. No two writes have a
    ``created_at`` in common; so the table itself can tell what a write has stored, even when the answer to
    its commit was lost.
    """

    def __init__(self, db: DatabaseInterface, log: LoggingInterface, job: Job) -> None:
        self._db, self._log, self._job = db, log, job
        self._table = quote_table(job.target_table)
        self._last = job.started_at
        self._seen = SeenRows()
        self._careful_writes = _CAREFUL_WRITES
        self._has_written = False

    async def write(self, events: Sequence[Event]) -> Mapping[bytes, Outcome]:
        """Insert the events that the table does not have yet, in one transaction; several writes may go on.

        It is tried again for two minutes while an error may pass by itself. When the database refuses a
        value, the events are halved until the row is found, and the others are kept, each half by itself.

        Args:
            events: each with a ``dedup_key`` of its own, none of which another write is busy with, in the
                order of their ``created_at``, which are later than those of all writes before.

        Returns:
            what became of those that were not inserted, by ``dedup_key``.

        Raises:
            DatabaseError: when they cannot be written, or every row of a first batch is refused; what was
                written before stays.
        """
        outcomes = dict[bytes, Outcome]()
        if not events:
            return outcomes
        span = _Span(events[0]["created_at"], events[-1]["created_at"])
        self._last = max(self._last, span.last)
        # In the order of the index: so it is quicker, and two runs never wait for each other crosswise.
        pending, refused = [sorted(events, key=itemgetter("dedup_key"))], 0
        while pending:
            part = pending.pop()
            try:
                outcomes |= await self._write_part(part, span)
                self._has_written = True
            except DataError as error:
                if len(part) > 1:
                    middle = len(part) // 2
                    pending += [part[middle:], part[:middle]]
                    continue
                self._log.warn("Row refused", reason=str(error))
                outcomes[part[0]["dedup_key"]] = Outcome.REFUSED
                refused += 1
                if refused == min(self._job.batch_size, len(events)) > 1 and not self._has_written:
                    raise  # it is not the rows: the table takes none
        return outcomes

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

    async def _write_part(self, events: Sequence[Event], span: _Span) -> dict[bytes, Outcome]:
        async for attempt in retrying(self._log):
            with attempt:
                is_careful = self._careful_writes > 0 or attempt.retry_state.attempt_number > 1
                found = await self._store(events, is_careful=is_careful)
        self._careful_writes = _CAREFUL_WRITES if found else max(self._careful_writes - 1, 0)
        outcomes = dict[bytes, Outcome]()
        for group in found:
            outcomes |= self._judge(group, span)
        return outcomes

    async def _store(self, events: Sequence[Event], *, is_careful: bool) -> list[Row]:
        """Insert the events that are not there, and tell which are, if ``is_careful`` or need be."""
        found = await self._find(events) if is_careful else []
        known = set[bytes]().union(*(group["keys"] for group in found))
        if len(known) == len(events):
            return found
        new = [event for event in events if event["dedup_key"] not in known] if known else events
        try:
            await self._insert(new)
        except ConstraintError:
            if not is_careful:
                return await self._store(events, is_careful=True)
            if await self._insert(new, skip_conflicts_on=["dedup_key"]) < len(new):
                return await self._find(events)  # somebody was faster
        return found

    async def _insert(self, events: Sequence[Event], skip_conflicts_on: Sequence[str] = ()) -> int:
        """The number of rows inserted, ``batch_size`` at a time; all of them are kept, or none."""
        table, size = self._job.target_table, self._job.batch_size
        return await self._db.bulk_insert(table, events, skip_conflicts_on=skip_conflicts_on, batch_size=size)

    async def _find(self, events: Sequence[Event]) -> list[Row]:
        """What the table has under the keys of ``events``: ``ids`` and ``keys`` for each ``created_at``."""
        # Key by key, for a planner would rather read a whole table of some hundred thousand rows.
        query = f"""
            SELECT created_at, array_agg(id) AS ids, array_agg(key) AS keys
            FROM unnest($1::bytea[]) AS wanted (key) CROSS JOIN LATERAL (
                SELECT id, created_at FROM {self._table} WHERE dedup_key = wanted.key LIMIT 1
            ) AS row_of_key
            GROUP BY created_at
        """  # noqa: S608 - quoted
        return await self._db.fetch_all(query, [[event["dedup_key"] for event in events]])

    def _judge(self, group: Row, span: _Span) -> dict[bytes, Outcome]:
        """What it means that the table has these rows, after a write of that ``span``."""
        created_at: dt.datetime = group["created_at"]
        keys: list[bytes] = group["keys"]
        if span.first <= created_at <= span.last:
            return {}  # it was this very write that stored them
        if self._job.started_at < created_at <= self._last:
            return dict.fromkeys(keys, Outcome.DUPLICATE)
        met_before = self._seen.add(group["ids"])
        outcomes = dict.fromkeys(keys, Outcome.SKIPPED)
        return outcomes | dict.fromkeys((keys[index] for index in met_before), Outcome.DUPLICATE)


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


async def check_table(db: DatabaseInterface, job: Job) -> None:
    """Insert nothing, as later much is inserted: the table, its columns, its key and the right to write.

    Raises:
        DatabaseError: when the table is not shaped like ``cleaned_events``, or may not be written.
    """
    table = quote_table(job.target_table)
    await db.execute(
        f"INSERT INTO {table} ({_COLUMNS}) SELECT {_COLUMNS} FROM {table} WHERE FALSE "  # noqa: S608 - quoted
        "ON CONFLICT (dedup_key) DO NOTHING"
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

    def add(self, row_ids: Sequence[int]) -> list[int]:
        """The indices of those that were met before."""
        met_before, pages = list[int](), self._pages
        for index, row_id in enumerate(row_ids):
            page_number, bit = divmod(row_id, _PAGE_ROWS)
            page = pages.get(page_number)
            if page is None:
                page = pages[page_number] = bytearray(_PAGE_ROWS // 8)
            mask = 1 << (bit & 7)
            if page[bit >> 3] & mask:
                met_before.append(index)
            else:
                page[bit >> 3] |= mask
        return met_before
