"""Create the table that remembers the runs of modules."""

from platform_interfaces import DatabaseInterface


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration.

    ``user_name``, because ``user`` is a word of SQL: unquoted, it is the role of the session.
    """
    await conn.execute("""
        CREATE TABLE _runs (
            id TEXT PRIMARY KEY,
            module TEXT NOT NULL,
            version TEXT NOT NULL,
            entry TEXT NOT NULL,
            arguments JSONB NOT NULL,
            environment TEXT NOT NULL,
            adapters JSONB NOT NULL,
            host TEXT NOT NULL,
            user_name TEXT NOT NULL,
            process_id BIGINT NOT NULL,
            started_at TIMESTAMPTZ NOT NULL,
            ended_at TIMESTAMPTZ,
            status TEXT NOT NULL,
            exit_code INTEGER,
            failure_kind TEXT NOT NULL,
            error TEXT NOT NULL,
            figures JSONB NOT NULL,
            rejects JSONB NOT NULL,
            undone JSONB NOT NULL
        )
    """)
    await conn.execute("CREATE INDEX idx_runs_started ON _runs (started_at)")
    await conn.execute("CREATE INDEX idx_runs_module ON _runs (module, started_at)")


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("DROP TABLE IF EXISTS _runs CASCADE")
