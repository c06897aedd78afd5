"""Create the table of cleaned events, the output of the batch ETL."""

from platform_interfaces import DatabaseInterface


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration.

    The rule is unique (event_type, payload, event_date); ``dedup_key``, a SHA-256 of the three, holds it:
    PostgreSQL refuses index entries of more than 2,704 bytes, which ordinary payloads have.
    """
    await conn.execute("""
        CREATE TABLE cleaned_events (
            id BIGSERIAL PRIMARY KEY,
            event_type VARCHAR(255) NOT NULL,
            payload JSONB NOT NULL,
            source VARCHAR(255) NOT NULL,
            event_date DATE NOT NULL,
            dedup_key BYTEA NOT NULL UNIQUE,
            created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
        )
    """)
    await conn.execute("CREATE INDEX idx_cleaned_events_date ON cleaned_events (event_date)")
    await conn.execute("CREATE INDEX idx_cleaned_events_type ON cleaned_events (event_type, event_date)")


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("DROP TABLE IF EXISTS cleaned_events CASCADE")
