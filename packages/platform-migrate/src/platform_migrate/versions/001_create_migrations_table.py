"""Create the table that remembers which migrations were applied."""

from platform_interfaces import DatabaseInterface
from platform_migrate.store import CREATE_TABLE


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration; the runner has made the table already, to record this in it."""
    await conn.execute(CREATE_TABLE)


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("DROP TABLE IF EXISTS _migrations CASCADE")
