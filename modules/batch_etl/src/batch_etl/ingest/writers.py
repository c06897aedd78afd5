"""Which writer the rows of a run go through."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from batch_etl.ingest.limits import Limits
from batch_etl.ingest.new_partition import NewPartition
from batch_etl.ingest.partition_writer import PartitionWriter
from batch_etl.ingest.retrying import Retries
from batch_etl.ingest.row_writer import RowWriter
from batch_etl.ingest.table import TargetTable
from batch_etl.ingest.table_writer import TableWriter
from batch_etl.ingest.window import RunWindow
from platform_interfaces import DatabaseInterface, LoggingInterface


@asynccontextmanager
async def open_writer(
    db: DatabaseInterface,
    log: LoggingInterface,
    table: TargetTable,
    window: RunWindow,
    retries: Retries,
    limits: Limits,
) -> AsyncIterator[RowWriter]:
    """Yield what writes to the table, or to a new partition of it where the date has none yet.

    The lock of the table and the date is held.

    Raises:
        QueryError: when the partition cannot be made.
    """
    plan = await retries(table.plan_partition)
    if plan is None:
        yield TableWriter(db, log, table, window, retries)
        return
    async with NewPartition(db, log, plan, table.key, retries, limits) as partition:
        yield PartitionWriter(db, log, table, window, retries, partition)
