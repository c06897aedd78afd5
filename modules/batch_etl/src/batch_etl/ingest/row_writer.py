"""Batches of rows, each written in one transaction but for the rows that the database refuses."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from batch_etl.ingest.columns import CREATED_AT, EVENT_DATE
from batch_etl.ingest.generated_keys import GeneratedKeys, explain_generated_key, find_generated_keys
from batch_etl.ingest.outcome import Outcome
from batch_etl.ingest.retrying import Retries
from batch_etl.ingest.table import TargetTable
from batch_etl.ingest.window import Window
from platform_interfaces import Columns, ConstraintError, DatabaseInterface, DataError, LoggingInterface


class RowWriter(ABC):
    """Writes the rows of a run; which of them a database refuses is found by halving a batch.

    No two writes have a ``created_at`` in common; so the table itself shows what a write has stored, even
    when the answer to its commit was lost.
    """

    stored = Outcome.INSERTED
    """The outcome of a row that is neither refused nor there already."""

    takes_others = False
    """Whether workers may write beside it."""

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
        batch = RowBatch(filled, self._table, await self._window.take())
        outcomes = bytearray([self.stored]) * len(batch.keys)
        pending = [self._sort(batch)]
        while pending:
            rows = pending.pop()
            try:
                await self._store(batch, rows, outcomes)
                self._has_written = True
            except DataError as error:
                if len(rows) > 1:
                    middle = len(rows) // 2
                    pending += [rows[middle:], rows[:middle]]
                else:
                    await self._refuse(rows[0], outcomes, error)
        return bytes(outcomes)

    @abstractmethod
    def _sort(self, batch: RowBatch) -> Sequence[int]:
        """Return the rows of a batch, in the order in which they are stored."""

    @abstractmethod
    async def _store(self, batch: RowBatch, rows: Sequence[int], outcomes: bytearray) -> None:
        """Store these rows in one transaction, and set the outcomes of those that are there already."""

    async def finish(self) -> int:
        """Return 0: what is stored is in the table, and no duplicate is found later."""
        return 0

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


class RowBatch:
    """The rows of one write, in parts that each have some, addressed by their index among all."""

    def __init__(self, parts: Sequence[Columns], table: TargetTable, created_at: dt.datetime) -> None:
        self._parts, self._event_date, self.created_at = parts, table.event_date, created_at
        self.keys: list[Any] = list(chain.from_iterable(part.column(table.key) for part in parts))

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
