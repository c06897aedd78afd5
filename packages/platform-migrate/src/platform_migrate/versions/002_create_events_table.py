"""Create the events table for raw event storage."""

from platform_interfaces import DatabaseInterface


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration."""
    await conn.execute("""
        CREATE TABLE events (
            id BIGSERIAL PRIMARY KEY,
            event_type VARCHAR(255) NOT NULL,
            payload JSONB NOT NULL,
            source VARCHAR(255),
            created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
            processed_at TIMESTAMPTZ
        )
    """)
    await conn.execute("CREATE INDEX idx_events_type ON events (event_type)")
    await conn.execute("CREATE INDEX idx_events_created ON events (created_at)")


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("DROP TABLE IF EXISTS events CASCADE")
