"""Create a table of events with a partition for each day: a migration to copy.

Load into it with ``--target-table events_by_day``. No partition need be made in advance: the first load of a
date makes it, and attaches it when it is complete.
"""

from platform_interfaces import DatabaseInterface


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration.

    A unique key of a partitioned table has the column that it is partitioned by. No other index needs it: a
    query of a date reads one partition.
    """
    await conn.execute("""
        CREATE TABLE events_by_day (
            id BIGSERIAL,
            event_type VARCHAR(255) NOT NULL,
            payload JSONB NOT NULL,
            source VARCHAR(255) NOT NULL,
            event_date DATE NOT NULL,
            dedup_key BYTEA NOT NULL,
            created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
            PRIMARY KEY (id, event_date),
            UNIQUE (dedup_key, event_date)
        ) PARTITION BY RANGE (event_date)
    """)
    await conn.execute("CREATE INDEX idx_events_by_day_created_at ON events_by_day (created_at)")
    await conn.execute("CREATE INDEX idx_events_by_day_type ON events_by_day (event_type)")


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("DROP TABLE events_by_day")
