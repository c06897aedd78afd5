"""Create the table of days."""

from platform_interfaces import DatabaseInterface


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration."""
    await conn.execute("""
        CREATE TABLE new_module_days (
            day DATE PRIMARY KEY,
            figures JSONB NOT NULL,
            written_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
        )
    """)


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("DROP TABLE new_module_days")
