"""Let the index of a date tell when its rows came, too: a load asks for the newest, and counts its own."""

from platform_interfaces import DatabaseInterface


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration."""
    await conn.execute("DROP INDEX idx_cleaned_events_date")
    await conn.execute("CREATE INDEX idx_cleaned_events_date ON cleaned_events (event_date, created_at)")


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("DROP INDEX idx_cleaned_events_date")
    await conn.execute("CREATE INDEX idx_cleaned_events_date ON cleaned_events (event_date)")
