"""The indexes of a table that is to become a partition, and the uniqueness of its rows."""

from batch_etl.ingest.partition_plan import PartitionIndex, PartitionPlan
from platform_interfaces import ConstraintError, DatabaseInterface


async def build_indexes(
    db: DatabaseInterface, table: str, plan: PartitionPlan, key: str, *, timeout: float
) -> int:
    """Build all indexes, that of the key first, and return how many duplicates were removed for it.

    Args:
        db: with an open transaction.
        table: the table, quoted.
        plan: what its indexes are.
        key: the column of the key.
        timeout: seconds that a statement may take.

    Raises:
        ConstraintError: when another unique index finds equal values.
    """
    first, *others = (_describe(table, index) for index in plan.indexes)
    duplicates = 0
    try:
        async with db.transaction():
            await db.execute(first, timeout=timeout)
    except ConstraintError:
        duplicates = await _remove_duplicates(db, table, key, timeout=timeout)
        await db.execute(first, timeout=timeout)
    for statement in (*others, f"ANALYZE {table}"):
        await db.execute(statement, timeout=timeout)
    return duplicates


def _describe(table: str, index: PartitionIndex) -> str:
    name = '"' + index.name.replace('"', '""') + '"'
    if index.is_constraint:
        return f"ALTER TABLE {table} ADD CONSTRAINT {name} {index.definition}"
    return f"CREATE {'UNIQUE ' if index.is_unique else ''}INDEX {name} ON {table} {index.definition}"


async def _remove_duplicates(db: DatabaseInterface, table: str, key: str, *, timeout: float) -> int:
    """Keep the first row of each key by ``created_at``, and return how many others there were.

    A write whose answer was lost may be stored twice, with the same ``created_at``: that is not counted.
    """
    # The memory that an index is built with: this is as large a sort.
    await db.execute("SELECT set_config('work_mem', current_setting('maintenance_work_mem'), TRUE)")
    await db.execute(
        "CREATE TEMPORARY TABLE batch_etl_extra ON COMMIT DROP AS "  # noqa: S608 - quoted
        "SELECT row_id, previous < created_at AS is_duplicate FROM ("
        "SELECT ctid AS row_id, created_at, lag(created_at) OVER same_key AS previous "
        f"FROM {table} WINDOW same_key AS (PARTITION BY {key} ORDER BY created_at)"
        ") AS ordered WHERE previous IS NOT NULL",
        timeout=timeout,
    )
    await db.execute(
        f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT row_id FROM batch_etl_extra))",  # noqa: S608
        timeout=timeout,
    )
    found = await db.fetch_one("SELECT count(*) AS n FROM batch_etl_extra WHERE is_duplicate")
    return found["n"] if found else 0
