"""Removing the rows that one run has inserted."""

from batch_etl.ingest.cleaner import Cleaner
from batch_etl.ingest.columns import CREATED_AT, EVENT_DATE
from batch_etl.ingest.config import LoadConfig
from batch_etl.ingest.table import TargetTable
from batch_etl.ingest.window import read_window
from platform_interfaces import DatabaseError, PlatformContext, Undo


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

    async def count() -> int:
        found = await ctx.db.fetch_one(f"SELECT COUNT(*) AS n FROM {rows}", values)  # noqa: S608 - quoted
        return found["n"] if found else 0

    async def remove() -> int:
        await table.wait_for_writes()
        removed = await ctx.db.execute(f"DELETE FROM {rows}", values)  # noqa: S608 - quoted
        if left := await count():
            raise DatabaseError(
                f"{left:,} rows of the run are still in table {table.name!r} after they were deleted, so "
                "nothing was removed: a trigger, a rule or a policy keeps them; disable it and undo again"
            )
        return removed

    return Undo(
        rows=await count(),
        recorded=ctx.run.figures.get("inserted"),
        lock=lock,
        remove=remove,
    )
