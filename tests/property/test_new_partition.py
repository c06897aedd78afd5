"""Case D3: however lines repeat and fail, a new partition has the account and rows of a plain table."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import platform_migrate
from batch_etl.ingest import LIMITS, Limits
from examples import events_by_day
from platform_interfaces import Row
from platform_memory import MemoryFileSystem, MemorySecrets
from platform_postgres import PostgresDatabase
from tests.helpers.days import PARTITION, TABLE, rows_of, tables
from tests.helpers.event_job import FOLDER, EventJob, totals

# Few events, so that they meet, near and far; the database refuses one of the sources.
events = st.builds(
    lambda number, source: b'{"event_type": "e%d", "payload": {}, "source": "%s"}' % (number, source),
    st.integers(0, 9),
    st.sampled_from([b"web", b"app", b"refused"]),
)
lines = st.lists(st.one_of(events, events, events, st.sampled_from([b"", b"nothing", b'{"event_type": 1}'])))
files = st.lists(lines.map(b"\n".join), min_size=1, max_size=3)


async def load(db: PostgresDatabase, contents: list[bytes], limits: Limits, table: str) -> tuple[Any, ...]:
    """Return the exit code, totals, rows and rejects of a load and of a second one."""
    job, found = EventJob(db, MemoryFileSystem(), limits), list[Any]()
    for _ in range(2):
        # With rows sent one by one, no run ends because the first of them are all refused.
        result = await job.load(*contents, target_table=table, batch_size=1)
        rejects = [await job.rejects(f"{FOLDER}/{name}.jsonl") for name in "abc"]
        found.append((result.code, totals(result), rejects))
    rows: list[Row] = await rows_of(db, table)
    return (*found, rows)


def test_a_new_partition_has_the_account_of_a_plain_table(postgres_url: str) -> None:
    @settings(max_examples=settings().max_examples // 4)  # each of them runs the job four times
    @given(files, st.integers(1, 4), st.integers(1, 4))
    def check(contents: list[bytes], batch_lines: int, chunk_lines: int) -> None:
        async def check_both() -> None:
            keys = LIMITS.concurrent_batches * (batch_lines + chunk_lines)
            limits = Limits(chunk_lines=chunk_lines, batch_lines=batch_lines, min_recent_keys=keys)
            async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": postgres_url})) as db:
                await db.execute(f"DROP TABLE IF EXISTS {PARTITION}; TRUNCATE cleaned_events")
                plain = await load(db, contents, limits, "cleaned_events")
                assert await load(db, contents, limits, TABLE) == plain
                assert await tables(db) == ([f"+{PARTITION}"] if plain[-1] else [])

        asyncio.run(check_both())

    asyncio.run(create_tables(postgres_url))
    check()


async def create_tables(url: str) -> None:
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url})) as db:
        await platform_migrate.up(db)
        await events_by_day.up(db)
        for table in ("cleaned_events", TABLE):
            await db.execute(f"ALTER TABLE {table} ADD CONSTRAINT known CHECK (source <> 'refused')")
