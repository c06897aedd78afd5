"""Rows into the table as it is, each exactly once."""

from collections.abc import Sequence

from batch_etl.ingest.existing_rows import ExistingRows, Finder, MetRows
from batch_etl.ingest.retrying import Retries
from batch_etl.ingest.row_writer import RowBatch, RowWriter
from batch_etl.ingest.table import TargetTable
from batch_etl.ingest.window import Window
from platform_interfaces import (
    Columns,
    ConstraintError,
    DatabaseError,
    DatabaseInterface,
    LoggingInterface,
    TransactionConflictError,
)

_WRITES_THAT_LOOK_UP_FIRST = 8  # after one that met rows which were there already


class TableWriter(RowWriter):
    """Writes to the target table, and knows what this run has written and met there.

    Attributes:
        met: the rows of earlier runs that were found.
    """

    takes_others = True

    def __init__(
        self,
        db: DatabaseInterface,
        log: LoggingInterface,
        table: TargetTable,
        window: Window,
        retries: Retries,
    ) -> None:
        super().__init__(db, log, table, window, retries)
        self._finder, self.met = Finder(db, table, window.after), MetRows()
        self._lookups_left = _WRITES_THAT_LOOK_UP_FIRST

    def _sort(self, batch: RowBatch) -> list[int]:
        """Return the rows in the order of the index: quicker, and two runs never deadlock."""
        return sorted(range(len(batch.keys)), key=batch.keys.__getitem__)

    async def _store(self, batch: RowBatch, rows: Sequence[int], outcomes: bytearray) -> None:
        for found in await self._write_rows(batch, rows):
            if found.written_at != batch.created_at:  # else it was this very write
                self.met.classify(found, self._window.until, rows, outcomes)

    async def _write_rows(self, batch: RowBatch, rows: Sequence[int]) -> list[ExistingRows]:
        async for attempt in self._retries.attempts():
            with attempt:
                looks_up_first = self._lookups_left > 0 or attempt.retry_state.attempt_number > 1
                existing = await self._insert_new(batch, rows, looks_up_first=looks_up_first)
        self._lookups_left = _WRITES_THAT_LOOK_UP_FIRST if existing else max(self._lookups_left - 1, 0)
        return existing

    async def _insert_new(
        self, batch: RowBatch, rows: Sequence[int], *, looks_up_first: bool
    ) -> list[ExistingRows]:
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
                return await self._insert_new(batch, rows, looks_up_first=True)
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

    async def _find_all(self, batch: RowBatch, rows: Sequence[int]) -> list[ExistingRows]:
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
