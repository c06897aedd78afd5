"""Create the table that remembers which migrations were applied."""

from platform_interfaces import DatabaseInterface


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration; the runner has made the table already, to record this in it."""
    await conn.execute("""
        CREATE TABLE IF NOT EXISTS _migrations (
            id SERIAL PRIMARY KEY,
            name VARCHAR(255) NOT NULL UNIQUE,
            applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
            checksum TEXT
        )
    """)


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("DROP TABLE IF EXISTS _migrations CASCADE")
