"""The table of the example that has a partition for each day, and what the catalog says of it."""

from typing import Any

from platform_interfaces import DatabaseInterface

TABLE = "events_by_day"
PARTITION = "events_by_day_20260115"
LOADING = f"{PARTITION}_loading_"


async def tables(db: DatabaseInterface) -> list[str]:
    """Return the partitions and the tables that may become one, by name; those that are partitions with +."""
    rows = await db.fetch_all(
        "SELECT relname::text AS name, relispartition AS is_partition FROM pg_class "
        f"WHERE relkind = 'r' AND relname LIKE '{TABLE}%' ORDER BY 1"
    )
    return [f"{'+' if row['is_partition'] else ''}{row['name']}" for row in rows]


async def rows_of(db: DatabaseInterface, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table, but for ``id`` and ``created_at``, in the order of the key."""
    columns = "event_type, payload::text AS payload, source, event_date, dedup_key"
    return await db.fetch_all(f"SELECT {columns} FROM {table} ORDER BY dedup_key")
