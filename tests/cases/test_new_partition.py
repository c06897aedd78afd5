"""The first load of a date into a table that is partitioned by it: the day becomes readable as a whole.

Each case compares it with the same load into a table that takes rows as they come: totals, rows and rejects.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import platform_migrate
from platform_interfaces import DatabaseInterface
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from tests.cases.event_lines import between, event_line, totals_of
from tests.helpers.event_job import EventJob, totals

PARTITIONED = """
    CREATE TABLE days (
        id BIGSERIAL,
        event_type VARCHAR(255) NOT NULL,
        payload JSONB NOT NULL,
        source VARCHAR(255) NOT NULL,
        event_date DATE NOT NULL,
        dedup_key BYTEA NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
        PRIMARY KEY (id, event_date),
        UNIQUE (dedup_key, event_date)
    ) PARTITION BY RANGE (event_date);
    CREATE INDEX days_created_at ON days (created_at);
"""


@pytest.fixture
async def pg(postgres_url: str) -> AsyncIterator[EventJob]:
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": postgres_url})) as db:
        await platform_migrate.up(db)
        await db.execute(PARTITIONED)
        yield EventJob(db)


async def test_a_first_load_makes_the_partition(pg: EventJob) -> None:
    result = await pg.load(between(event_line(), event_line()), target_table="days")
    assert (result.code, totals(result)) == (0, totals_of(4, inserted=3, duplicates=1))
    print(await pg.db.fetch_all("SELECT relname, relkind::text, relispartition, obj_description(oid) as d from pg_class where relname like 'days%'"))
    print([ (e.message, e.fields) for e in result.events])
    result = await pg.load(between(event_line(), event_line()), target_table="days")
    assert (result.code, totals(result)) == (0, totals_of(4, skipped=3, duplicates=1))
