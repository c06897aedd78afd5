"""The target table: whether it is there and can take the events."""

from batch_etl import writer
from batch_etl.job import Job
from platform_interfaces import DatabaseInterface, split_table


async def check_table(db: DatabaseInterface, job: Job) -> bool:
    """Return whether the target table exists, and raise when it does and cannot take the events.

    Raises:
        DatabaseError: when it is not shaped like ``cleaned_events``, or may not be written.
    """
    schema, table = split_table(job.target_table)
    found = await db.fetch_one(
        "SELECT 1 AS found FROM information_schema.tables "
        "WHERE table_name = $1 AND table_schema = COALESCE($2::text, current_schema())",
        [table, schema],
    )
    if found is None:
        return False
    await writer.check_table(db, job)
    return True
