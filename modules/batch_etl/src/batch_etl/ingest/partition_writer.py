"""Rows into the new partition of a date, which readers see when it is complete."""

from collections.abc import Sequence

from batch_etl.ingest.new_partition import NewPartition
from batch_etl.ingest.outcome import Outcome
from batch_etl.ingest.retrying import Retries
from batch_etl.ingest.row_writer import RowBatch, RowWriter
from batch_etl.ingest.table import TargetTable
from batch_etl.ingest.window import RunWindow
from platform_interfaces import DatabaseInterface, LoggingInterface


class PartitionWriter(RowWriter):
    """Writes to a table without indexes, and looks for no key before all rows are in it."""

    stored = Outcome.PENDING

    def __init__(
        self,
        db: DatabaseInterface,
        log: LoggingInterface,
        table: TargetTable,
        window: RunWindow,
        retries: Retries,
        partition: NewPartition,
    ) -> None:
        super().__init__(db, log, table, window, retries)
        self._partition = partition

    async def finish(self) -> int:
        """Attach the partition, if it has rows, and return how many were duplicates.

        Raises:
            DatabaseError: when that fails; readers have seen no row.
        """
        return await self._partition.complete() if self._has_written else 0

    def _sort(self, batch: RowBatch) -> Sequence[int]:
        return range(len(batch.keys))

    async def _store(self, batch: RowBatch, rows: Sequence[int], outcomes: bytearray) -> None:
        columns = batch.take(rows)
        # If the answer to a commit is lost, the rows are stored twice: see NewPartition.
        async for attempt in self._retries.attempts():
            with attempt:
                await self._db.bulk_insert(self._partition.table, columns, batch_size=self._table.batch_size)
