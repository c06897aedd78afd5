"""Removing the rows that one run has inserted."""

from batch_etl.ingest.cleaner import Cleaner
from batch_etl.ingest.columns import CREATED_AT, EVENT_DATE
from batch_etl.ingest.config import LoadConfig
from batch_etl.ingest.table import TargetTable
from batch_etl.ingest.window import read_window
from platform_interfaces import PlatformContext, Undo


async def find_undo(ctx: PlatformContext, config: LoadConfig, cleaner: Cleaner) -> Undo:
    """Return how the rows are removed that the run of ``ctx`` has inserted; nothing is changed.

    Rejects and files stay as they are. A load of the same table and date afterwards inserts the rows again.

    Raises:
        PlatformError: when it is not known exactly which rows they are.
        QueryError: when the table does not exist.
    """
    after, until = read_window(ctx.run.figures)
    table = TargetTable(ctx.db, config, cleaner)
    lock = await table.find_lock_name()
    rows = f"{table.quoted} WHERE {EVENT_DATE} = $1 AND {CREATED_AT} > $2 AND {CREATED_AT} <= $3"
    values = [table.event_date, after, until]

    async def remove() -> int:
        await table.wait_for_writes()
        return await ctx.db.execute(f"DELETE FROM {rows}", values)  # noqa: S608 - quoted

    found = await ctx.db.fetch_one(f"SELECT COUNT(*) AS n FROM {rows}", values)  # noqa: S608 - quoted
    return Undo(
        rows=found["n"] if found else 0,
        recorded=ctx.run.figures.get("inserted"),
        lock=lock,
        remove=remove,
    )
