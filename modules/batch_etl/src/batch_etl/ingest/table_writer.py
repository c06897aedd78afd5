"""Rows into the table, each exactly once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from batch_etl.ingest.columns import CREATED_AT, EVENT_DATE
from batch_etl.ingest.existing_rows import ExistingRows, Finder, MetRows
from batch_etl.ingest.generated_keys import GeneratedKeys, explain_generated_key, find_generated_keys
from batch_etl.ingest.outcome import Outcome
from batch_etl.ingest.retrying import Retries
from batch_etl.ingest.table import TargetTable
from batch_etl.ingest.window import Window
from platform_interfaces import (
    Columns,
    ConstraintError,
    DatabaseError,
    DatabaseInterface,
    DataError,
    LoggingInterface,
    TransactionConflictError,
)

_WRITES_THAT_LOOK_UP_FIRST = 8  # after one that met rows which were there already


class TableWriter:
    """Writes to the target table, and knows what this run has written and met there.

    No two writes have a ``created_at`` in common; so the table itself shows what a write has stored, even
    when the answer to its commit was lost.

    Attributes:
        met: the rows of earlier runs that were found.
    """

    def __init__(
        self,
        db: DatabaseInterface,
        log: LoggingInterface,
        table: TargetTable,
        window: Window,
        retries: Retries,
    ) -> None:
        self._db, self._log, self._table, self._retries = db, log, table, retries
        self._window = window
        self._finder, self.met = Finder(db, table, window.after), MetRows()
        self._lookups_left = _WRITES_THAT_LOOK_UP_FIRST
        self._has_written = False
        self._generated_keys: GeneratedKeys | None = None  # asked for when they are needed first

    async def write(self, parts: Sequence[Columns]) -> bytes:
        """Insert the rows that the table does not have yet, in one transaction; several writes may go on.

        It is retried while a transient error may pass. When the database refuses a value, the rows are halved
        until the row is found, and the others are stored, each half by itself.

        Args:
            parts: rows, each with a key of its own. Rows with a key that another write is busy with are
                duplicates: that of the write that comes second.

        Returns:
            the ``Outcome`` of each row, a byte for each.

        Raises:
            DatabaseError: when they cannot be written, or every row of a first batch is refused; what was
                written before stays.
        """
        filled = [part for part in parts if part]
        if not filled:
            return b""
        batch = _Batch(filled, self._table, await self._window.take())
        outcomes = bytearray([Outcome.INSERTED]) * len(batch.keys)
        pending = [batch.sort_rows()]
        while pending:
            rows = pending.pop()
            try:
                existing = await self._write_rows(batch, rows)
                self._has_written = True
            except DataError as error:
                if len(rows) > 1:
                    middle = len(rows) // 2
                    pending += [rows[middle:], rows[:middle]]
                else:
                    await self._refuse(rows[0], outcomes, error)
            else:
                for found in existing:
                    if found.written_at != batch.created_at:  # else it was this very write
                        self.met.classify(found, self._window.until, rows, outcomes)
        return bytes(outcomes)

    async def find_mismatch(self, inserted: int) -> str | None:
        """Return why the table has more or fewer rows of this run than ``inserted``; None if as many."""
        async for attempt in self._retries.attempts():
            with attempt:
                found = await self._db.fetch_one(
                    f"SELECT COUNT(*) AS n FROM {self._table.quoted} "  # noqa: S608 - quoted
                    "WHERE event_date = $1 AND created_at > $2 AND created_at <= $3",
                    [self._table.event_date, self._window.after, self._window.until],
                )
        count = found["n"] if found else 0
        if count == inserted:
            return None
        return await self._table.explain_count(self._window.after, inserted, count)

    async def _refuse(self, row: int, outcomes: bytearray, error: DataError) -> None:
        """Set the outcome of a row that the database refuses; stop the run when it refuses them all."""
        if isinstance(error, ConstraintError):
            await self._raise_if_generated(error)
        self._log.warn("Row refused", reason=str(error))
        outcomes[row] = Outcome.REFUSED
        refused = outcomes.count(Outcome.REFUSED)
        if refused == min(self._table.batch_size, len(outcomes)) > 1 and not self._has_written:
            raise error  # it is not the rows: the table takes none

    async def _raise_if_generated(self, error: ConstraintError) -> None:
        """Stop the run when a row is refused for a value that is not its own: others would follow it."""
        if self._generated_keys is None:
            self._generated_keys = await find_generated_keys(self._table)
        if refusal := explain_generated_key(error, self._generated_keys, self._table):
            raise refusal from error

    async def _write_rows(self, batch: _Batch, rows: Sequence[int]) -> list[ExistingRows]:
        async for attempt in self._retries.attempts():
            with attempt:
                looks_up_first = self._lookups_left > 0 or attempt.retry_state.attempt_number > 1
                existing = await self._store(batch, rows, looks_up_first=looks_up_first)
        self._lookups_left = _WRITES_THAT_LOOK_UP_FIRST if existing else max(self._lookups_left - 1, 0)
        return existing

    async def _store(self, batch: _Batch, rows: Sequence[int], *, looks_up_first: bool) -> list[ExistingRows]:
        """Insert the rows that the table does not have, and return those that it has, if it was asked."""
        existing = await self._finder.find(batch.keys_of(rows)) if looks_up_first else []
        known = set[int]().union(*(found.row_indexes for found in existing))
        if len(known) == len(rows):
            return existing
        new = batch.take([row for index, row in enumerate(rows) if index not in known])
        try:
            stored = await self._insert(new)
        except ConstraintError:
            if not looks_up_first:
                return await self._store(batch, rows, looks_up_first=True)
            unique_key = await self._finder.find_unique_key()
            if await self._insert(new, skip_conflicts_on=unique_key) < len(new):
                return await self._find_all(batch, rows)  # another program was faster
        else:
            if stored < len(new):
                raise DatabaseError(
                    f"table {self._table.name!r} stored {stored} of {len(new)} rows and reported no "
                    "error: a trigger or a rule drops rows; disable it and run again"
                )
        return existing

    async def _find_all(self, batch: _Batch, rows: Sequence[int]) -> list[ExistingRows]:
        """Return the rows, which are all in the table.

        Raises:
            TransactionConflictError: when one is gone again, and so may have to be inserted after all.
        """
        existing = await self._finder.find(batch.keys_of(rows))
        if sum(len(found.row_indexes) for found in existing) < len(rows):
            raise TransactionConflictError("another program deletes rows of the date meanwhile")
        return existing

    async def _insert(self, rows: Columns, skip_conflicts_on: Sequence[str] = ()) -> int:
        """Return the number of rows inserted, ``batch_size`` at a time; all of them are stored, or none."""
        return await self._db.bulk_insert(
            self._table.name, rows, skip_conflicts_on=skip_conflicts_on, batch_size=self._table.batch_size
        )


class _Batch:
    """The rows of one write, in parts that each have some, addressed by their index among all."""

    def __init__(self, parts: Sequence[Columns], table: TargetTable, created_at: dt.datetime) -> None:
        self._parts, self._event_date, self.created_at = parts, table.event_date, created_at
        self.keys: list[Any] = list(chain.from_iterable(part.column(table.key) for part in parts))

    def sort_rows(self) -> list[int]:
        """Return the rows in the order of the index: quicker, and two runs never deadlock."""
        return sorted(range(len(self.keys)), key=self.keys.__getitem__)

    def keys_of(self, rows: Sequence[int]) -> list[Any]:
        """Return the keys of these rows."""
        return [self.keys[row] for row in rows]

    @cached_property  # a rerun needs nothing but the keys
    def _columns(self) -> Columns:
        return Columns.concatenated(self._parts)

    def take(self, rows: Sequence[int]) -> Columns:
        """Return these rows as the table has them."""
        common = {EVENT_DATE: self._event_date, CREATED_AT: self.created_at}
        return self._columns.take(rows).with_columns(
            {name: [value] * len(rows) for name, value in common.items()}
        )
