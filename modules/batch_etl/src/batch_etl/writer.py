"""Cleaned events into the table, each exactly once."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from enum import IntEnum
from functools import partial
from typing import NamedTuple

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from batch_etl.job import Job
from platform_interfaces import (
    Columns,
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
_PAGE_ROWS = 4_096
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

    async def write(self, events: Columns) -> bytes:
        """Insert the events that the table does not have yet, in one transaction; several writes may go on.

        It is tried again for two minutes while an error may pass by itself. When the database refuses a
        value, the events are halved until the row is found, and the others are kept, each half by itself.

        Args:
            events: each with a ``dedup_key`` of its own, none of which another write is busy with, in the
                order of their ``created_at``, which are later than those of all writes before.

        Returns:
            the ``Outcome`` of each, a byte for each.

        Raises:
            DatabaseError: when they cannot be written, or every row of a first batch is refused; what was
                written before stays.
        """
        if not events:
            return b""
        moments, keys = events.column("created_at"), events.column("dedup_key")
        span = _Span(moments[0], moments[-1])
        self._last = max(self._last, span.last)
        # In the order of the index: so it is quicker, and two runs never wait for each other crosswise.
        order = sorted(range(len(events)), key=keys.__getitem__)
        outcomes = bytearray([Outcome.INSERTED]) * len(events)
        pending, refused = [(0, events.take(order))], 0
        while pending:
            start, part = pending.pop()
            try:
                found = await self._write_part(part)
                self._has_written = True
            except DataError as error:
                if len(part) > 1:
                    middle = len(part) // 2
                    pending += [(start + middle, part[middle:]), (start, part[:middle])]
                    continue
                self._log.warn("Row refused", reason=str(error))
                outcomes[start] = Outcome.REFUSED
                refused += 1
                if refused == min(self._job.batch_size, len(events)) > 1 and not self._has_written:
                    raise  # it is not the rows: the table takes none
            else:
                for group in found:
                    self._judge(group, span, memoryview(outcomes)[start:])
        if len(set(outcomes)) > 1:  # which few have, so that they need not be put back into their order
            for position, outcome in zip(order, bytes(outcomes), strict=True):
                outcomes[position] = outcome
        return bytes(outcomes)

    def close(self) -> None:
        """Nothing to let go of; a dry run has something."""

    async def count_written(self) -> int:
        """The number of rows in the table that this run has inserted, asked anew."""
        async for attempt in retrying(self._log):
            with attempt:
                found = await self._db.fetch_one(
                    f"SELECT COUNT(*) AS n FROM {self._table} "  # noqa: S608 - quoted
                    "WHERE event_date = $1 AND created_at > $2 AND created_at <= $3",
                    [self._job.event_date, self._job.started_at, self._last],
                )
        return found["n"] if found else 0

    async def _write_part(self, events: Columns) -> list[Row]:
        async for attempt in retrying(self._log):
            with attempt:
                is_careful = self._careful_writes > 0 or attempt.retry_state.attempt_number > 1
                found = await self._store(events, is_careful=is_careful)
        self._careful_writes = _CAREFUL_WRITES if found else max(self._careful_writes - 1, 0)
        return found

    async def _store(self, events: Columns, *, is_careful: bool) -> list[Row]:
        """Insert the events that are not there, and tell which are, if ``is_careful`` or need be."""
        found = await self._find(events) if is_careful else []
        known = set[int]().union(*(group["positions"] for group in found))
        if len(known) == len(events):
            return found
        new = events.take(sorted(known ^ set(range(len(events))))) if known else events
        try:
            await self._insert(new)
        except ConstraintError:
            if not is_careful:
                return await self._store(events, is_careful=True)
            if await self._insert(new, skip_conflicts_on=["dedup_key"]) < len(new):
                return await self._find(events)  # somebody was faster
        return found

    async def _insert(self, events: Columns, skip_conflicts_on: Sequence[str] = ()) -> int:
        """The number of rows inserted, ``batch_size`` at a time; all of them are kept, or none."""
        table, size = self._job.target_table, self._job.batch_size
        return await self._db.bulk_insert(table, events, skip_conflicts_on=skip_conflicts_on, batch_size=size)

    async def _find(self, events: Columns) -> list[Row]:
        """What the table has of ``events``, and where they are among them.

        For each ``moment`` of this run that rows were written at, and None for all before it: ``ids`` of the
        rows and ``positions`` of the events.
        """
        # Key by key, for a planner would rather read a whole table of some hundred thousand rows.
        query = f"""
            SELECT
                CASE WHEN created_at > $2 THEN created_at END AS moment,
                array_agg(id) AS ids,
                array_agg(position - 1) AS positions
            FROM unnest($1::bytea[]) WITH ORDINALITY AS wanted (key, position) CROSS JOIN LATERAL (
                SELECT id, created_at FROM {self._table} WHERE dedup_key = wanted.key LIMIT 1
            ) AS row_of_key
            GROUP BY moment
        """  # noqa: S608 - quoted
        return await self._db.fetch_all(query, [events.column("dedup_key"), self._job.started_at])

    def _judge(self, group: Row, span: _Span, outcomes: memoryview) -> None:
        """Set the outcomes of the events that are in a group of ``_find``, after a write of that ``span``."""
        moment: dt.datetime | None = group["moment"]
        positions: list[int] = group["positions"]
        if moment and span.first <= moment <= span.last:
            return  # it was this very write that stored them
        # The last moment is looked at only now: a later write may have been faster.
        is_ours = moment is not None and moment <= self._last
        for position in positions:
            outcomes[position] = Outcome.DUPLICATE if is_ours else Outcome.SKIPPED
        if not is_ours:
            for index in self._seen.add(group["ids"]):
                outcomes[positions[index]] = Outcome.DUPLICATE


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
        [job.event_date],
    )
    now = dt.datetime.now(dt.UTC)
    return max(now, newest["moment"]) if newest and newest["moment"] else now


class SeenRows:
    """The rows of earlier runs that this run has met, one byte for each ``id``."""

    def __init__(self) -> None:
        self._pages = defaultdict[int, bytearray](partial(bytearray, _PAGE_ROWS))

    def add(self, row_ids: Sequence[int]) -> list[int]:
        """The indices of those that were met before."""
        met_before, pages = list[int](), self._pages
        for index, row_id in enumerate(row_ids):
            page, place = pages[row_id // _PAGE_ROWS], row_id % _PAGE_ROWS
            if page[place]:
                met_before.append(index)
            else:
                page[place] = 1
        return met_before
