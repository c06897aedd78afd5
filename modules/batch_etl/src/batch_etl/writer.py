"""Cleaned events into the table, each exactly once."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict, deque
from collections.abc import Sequence
from enum import IntEnum
from functools import cached_property, partial
from itertools import chain, repeat

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from batch_etl.generated_keys import GeneratedKeys, explain_generated_key, find_generated_keys
from batch_etl.job import Job
from batch_etl.table import MAX_RUN_SPAN, find_key
from batch_etl.transformer import KEY_BYTES
from platform_interfaces import (
    Columns,
    ConstraintError,
    DatabaseError,
    DatabaseInterface,
    DataError,
    LoggingInterface,
    PlatformError,
    Row,
    TransactionConflictError,
    quote_table,
)

RETRY_SECONDS = 120.0  # how long a batch is tried again while the database is away
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
_CAREFUL_WRITES = 8  # after one that met rows which were there already
_PAGE_BITS = 12
_FULL_PAGE = bytearray(b"\1" * 2**_PAGE_BITS)
_TICK = dt.timedelta(microseconds=1)


class Outcome(IntEnum):
    """What became of a cleaned event."""

    INSERTED = 0
    DUPLICATE = 1  # this run has met the same event before
    SKIPPED = 2  # the same event was in the table before this run
    REFUSED = 3  # by the database
    LEFT_OUT = 4  # for this is a dry run


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
        self._key: tuple[str, ...] = ()  # asked for when it is needed first
        self._generated_keys: GeneratedKeys | None = None  # the same

    async def write(self, parts: Sequence[Columns]) -> bytes:
        """Insert the events that the table does not have yet, in one transaction; several writes may go on.

        It is tried again for two minutes while an error may pass by itself. When the database refuses a
        value, the events are halved until the row is found, and the others are kept, each half by itself.

        Args:
            parts: events, each with a ``dedup_key`` of its own, none of which another write is busy with.

        Returns:
            the ``Outcome`` of each event, a byte for each.

        Raises:
            DatabaseError: when they cannot be written, or every row of a first batch is refused; what was
                written before stays.
        """
        filled = [part for part in parts if part]
        if not filled:
            return b""
        self._last += _TICK
        portion = _Portion(filled, self._job.event_date, self._last)
        outcomes = bytearray([Outcome.INSERTED]) * len(portion.keys)
        pending, refused = [portion.in_order_of_keys()], 0
        while pending:
            rows = pending.pop()
            try:
                found = await self._write_rows(portion, rows)
                self._has_written = True
            except DataError as error:
                if len(rows) > 1:
                    middle = len(rows) // 2
                    pending += [rows[middle:], rows[:middle]]
                    continue
                await self._raise_if_generated(error)
                self._log.warn("Row refused", reason=str(error))
                outcomes[rows[0]] = Outcome.REFUSED
                refused += 1
                if refused == min(self._job.batch_size, len(outcomes)) > 1 and not self._has_written:
                    raise  # it is not the rows: the table takes none
            else:
                for group in found:
                    if group["moment"] != portion.created_at:  # else it was this very write
                        self._judge(group, rows, outcomes)
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

    async def _write_rows(self, portion: _Portion, rows: Sequence[int]) -> list[Row]:
        async for attempt in retrying(self._log):
            with attempt:
                is_careful = self._careful_writes > 0 or attempt.retry_state.attempt_number > 1
                found = await self._store(portion, rows, is_careful=is_careful)
        self._careful_writes = _CAREFUL_WRITES if found else max(self._careful_writes - 1, 0)
        return found

    async def _store(self, portion: _Portion, rows: Sequence[int], *, is_careful: bool) -> list[Row]:
        """Insert the rows that are not there, and tell which are, if ``is_careful`` or need be."""
        found = await self._find(portion, rows) if is_careful else []
        known = set[int]().union(*(group["positions"] for group in found))
        if len(known) == len(rows):
            return found
        new = portion.take([row for position, row in enumerate(rows) if position not in known])
        try:
            stored = await self._insert(new)
        except ConstraintError:
            if not is_careful:
                return await self._store(portion, rows, is_careful=True)
            if await self._insert(new, skip_conflicts_on=await self._find_key()) < len(new):
                return await self._find_all(portion, rows)  # another program was faster
        else:
            if stored < len(new):
                raise DatabaseError(
                    f"table {self._job.target_table!r} stored {stored} of {len(new)} rows and reported no "
                    "error: a trigger or a rule drops rows; disable it and run again"
                )
        return found

    async def _find_all(self, portion: _Portion, rows: Sequence[int]) -> list[Row]:
        """Return what ``_find`` does, of rows that are all in the table.

        Raises:
            TransactionConflictError: when one is gone again, and so may have to be inserted after all.
        """
        found = await self._find(portion, rows)
        if sum(len(group["positions"]) for group in found) < len(rows):
            raise TransactionConflictError("another program deletes rows of the date meanwhile")
        return found

    async def _find_key(self) -> tuple[str, ...]:
        self._key = self._key or await find_key(self._db, self._job)
        return self._key

    async def _raise_if_generated(self, error: DataError) -> None:
        """Stop the run when a row is refused for a value that is not its own: others would follow it."""
        if not isinstance(error, ConstraintError):
            return
        if self._generated_keys is None:
            self._generated_keys = await find_generated_keys(self._db, self._job)
        if refusal := explain_generated_key(error, self._generated_keys, self._job):
            raise refusal from error

    async def _insert(self, events: Columns, skip_conflicts_on: Sequence[str] = ()) -> int:
        """The number of rows inserted, ``batch_size`` at a time; all of them are kept, or none."""
        table, size = self._job.target_table, self._job.batch_size
        return await self._db.bulk_insert(table, events, skip_conflicts_on=skip_conflicts_on, batch_size=size)

    async def _find(self, portion: _Portion, rows: Sequence[int]) -> list[Row]:
        """What the table has of ``rows``: which of them, by their ``positions``, and where it has them.

        In groups, one for each ``moment`` of this run that they were written at, and None for all before it,
        and for each ``page`` of numbers of rows, with the ``places`` in it.
        """
        # Key by key, for a planner would rather read a whole table of some hundred thousand rows. The keys
        # are one value, for a driver takes long over each item of an array.
        in_date = "AND event_date = $5" if "event_date" in await self._find_key() else ""  # one partition
        query = f"""
            SELECT
                CASE WHEN created_at > $3 AND created_at <= $4 THEN created_at END AS moment,
                id >> {_PAGE_BITS} AS page,
                array_agg(id & {2**_PAGE_BITS - 1}) AS places,
                array_agg(wanted.position) AS positions
            FROM generate_series(0, $2::int - 1) AS wanted (position) CROSS JOIN LATERAL (
                SELECT id, created_at FROM {self._table}
                WHERE dedup_key = substr($1::bytea, {KEY_BYTES} * wanted.position + 1, {KEY_BYTES}) {in_date}
                LIMIT 1
            ) AS row_of_key
            GROUP BY moment, page
        """  # noqa: S608 - quoted
        keys = b"".join(map(portion.keys.__getitem__, rows))
        started_at = self._job.started_at
        params = [keys, len(rows), started_at, started_at + MAX_RUN_SPAN]
        return await self._db.fetch_all(query, [*params, self._job.event_date] if in_date else params)

    def _judge(self, group: Row, rows: Sequence[int], outcomes: bytearray) -> None:
        """Set the outcomes of those of ``rows`` that are in a group of ``_find``, and of an earlier write."""
        moment: dt.datetime | None = group["moment"]
        positions: list[int] = group["positions"]
        # The last moment is looked at only now: a later write may have been faster.
        is_ours = moment is not None and moment <= self._last
        for position in positions:
            outcomes[rows[position]] = Outcome.DUPLICATE if is_ours else Outcome.SKIPPED
        if not is_ours:
            for index in self._seen.add(group["page"], group["places"]):
                outcomes[rows[positions[index]]] = Outcome.DUPLICATE


class _Portion:
    """The events of one write, in parts that each have some; a row is told by where it is among all."""

    def __init__(self, parts: Sequence[Columns], event_date: dt.date, created_at: dt.datetime) -> None:
        self._parts, self._event_date, self.created_at = parts, event_date, created_at
        self.keys: list[bytes] = list(chain.from_iterable(part.column("dedup_key") for part in parts))

    def in_order_of_keys(self) -> list[int]:
        """In that of the index: so it is quicker, and two runs never wait for each other crosswise."""
        return sorted(range(len(self.keys)), key=self.keys.__getitem__)

    @cached_property  # a rerun needs nothing but the keys
    def _events(self) -> Columns:
        return Columns.concatenated(self._parts)

    def take(self, rows: Sequence[int]) -> Columns:
        """These rows, as the table has them."""
        common = {"event_date": self._event_date, "created_at": self.created_at}
        return self._events.take(rows).with_columns(
            {name: [value] * len(rows) for name, value in common.items()}
        )


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


class SeenRows:
    """The rows of earlier runs that this run has met, one byte for each ``id`` in pages that are not full."""

    def __init__(self) -> None:
        self._pages = defaultdict[int, bytearray](partial(bytearray, 2**_PAGE_BITS))

    def add(self, page_number: int, places: Sequence[int]) -> list[int]:
        """The indices of those that were met before; they are different rows, in one page of numbers."""
        page = self._pages[page_number]
        met_before = [index for index, is_met in enumerate(map(page.__getitem__, places)) if is_met]
        deque(map(page.__setitem__, places, repeat(1)), maxlen=0)
        if 0 not in page:
            self._pages[page_number] = _FULL_PAGE  # one for all, for a rerun fills nearly all of them
        return met_before
