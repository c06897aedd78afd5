"""A load into a new partition is killed at each of its steps: readers see nothing, one more run completes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import platform_migrate
from examples import events_by_day
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from tests.helpers.days import LOADING, PARTITION, TABLE, tables
from tests.torture.load import Day, Load, wait_for

# A step waits for a lock that the test holds: in a CHECK, while an index is built, when it is attached.
GATES = f"""
    CREATE FUNCTION pass(source TEXT, gate INTEGER) RETURNS BOOLEAN IMMUTABLE LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock_shared(gate); RETURN TRUE; END';
    ALTER TABLE {TABLE} ADD CONSTRAINT gate CHECK (source <> 'web' OR pass(source, 1));
    CREATE INDEX gate ON {TABLE} ((source <> 'web' OR pass(source, 2)));
"""
STEPS = {
    "COPY": "SELECT pg_advisory_xact_lock(1)",
    "CREATE INDEX": "SELECT pg_advisory_xact_lock(2)",
    "ALTER TABLE": f"LOCK TABLE {TABLE} IN SHARE UPDATE EXCLUSIVE MODE",
}
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    "AND wait_event_type = 'Lock' AND btrim(query, E' \\n') LIKE $1 || '%'"
)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return Day.make(tmp_path_factory.mktemp("day"), lines=3000, files=3)


@pytest.fixture
async def db(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": postgres_url})) as db:
        await platform_migrate.up(db)
        await events_by_day.up(db)
        await db.execute(GATES)
        yield db


@pytest.fixture
def load(project: Path, tmp_path: Path, day: Day, postgres_url: str) -> Load:
    arguments = ("--target-table", TABLE)
    return Load(project, tmp_path / "files", day, arguments=arguments, DB_POSTGRES_URL=postgres_url)


async def wait_until(db: PostgresDatabase, query: str, *params: str | int, is_met: bool) -> None:
    async with asyncio.timeout(60):
        while bool(await db.fetch_all(query, params)) != is_met:
            await db.execute("SELECT pg_stat_clear_snapshot()")
            await db.execute("SELECT pg_sleep(0.01)")


@pytest.mark.parametrize("step", STEPS)
async def test_a_load_that_was_killed_is_completed_by_the_next_one(
    load: Load, day: Day, db: PostgresDatabase, step: str
) -> None:
    async with db.transaction():
        await db.execute(STEPS[step])
        process = load.start()
        await wait_until(db, WAITING, step, is_met=True)
        found = await db.fetch_all(WAITING, [step])
        process.send_signal(signal.SIGKILL)
        assert (await asyncio.to_thread(wait_for, process)).code == -signal.SIGKILL
        assert await db.fetch_all(f"SELECT FROM {TABLE}") == []
        [left] = await tables(db)
        assert left.startswith(LOADING)
        again = load.start()
        for row in found:  # the server ends its work for the dead process, which waits for this transaction
            await wait_until(db, "SELECT FROM pg_stat_activity WHERE pid = $1", row["pid"], is_met=False)
    totals = (await asyncio.to_thread(load.finish, again)).totals()
    assert (totals["inserted"], totals["skipped"]) == (day.unique, 0)
    assert await tables(db) == [f"+{PARTITION}"]
    assert await db.fetch_one(f"SELECT count(*) AS n FROM {TABLE}") == {"n": day.unique}
    assert await db.fetch_all("SELECT FROM pg_locks WHERE locktype = 'advisory'") == []
