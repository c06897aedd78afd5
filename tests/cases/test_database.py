"""Cases 53 to 58, 62, 63, 68 and 71 of bad input: database and process. Each name begins with its number.

The others, and more of these, are where the database is tested by itself (the contract suite and
platform-postgres), with migrations (platform-migrate) and under a load (tests/torture).
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import pytest

import platform_migrate
from platform_interfaces import ConnectionLostError, ConstraintError, DatabaseError, StatementTimeoutError
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres.server import PostgresServer
from platform_postgres.testing import running_server
from tests.cases.event_lines import between, event_line, totals_of
from tests.helpers.event_job import EventJob, totals

if TYPE_CHECKING:
    Administrator: TypeAlias = asyncpg.Connection[asyncpg.Record]

POSTMASTER = "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid"
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'data-platform'"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Yield a server of the module's own, for it will suffer."""
    with running_server({}) as server:
        yield server


@pytest.fixture
async def administrator(server: PostgresServer) -> AsyncIterator[Administrator]:
    connection: Administrator = await asyncpg.connect(server.url())
    yield connection
    await connection.close(timeout=10)


def client(url: str, **settings: str) -> PostgresDatabase:
    return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url, **settings}))


@contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """Stop these processes for the length of the block."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["53-fast", "53-immediate"])
async def test_a_server_that_stops_inside_a_transaction_is_reported_as_the_cause(
    server: PostgresServer, administrator: Administrator, number: signal.Signals
) -> None:
    async with client(server.url()) as db:
        await db.execute("CREATE TABLE IF NOT EXISTS one (a INT)")
        postmaster = await administrator.fetchval(POSTMASTER)
        data = Path(await administrator.fetchval("SHOW data_directory"))
        with pytest.raises(ConnectionLostError):
            async with db.transaction():
                await db.execute("INSERT INTO one VALUES (1)")
                os.kill(postmaster, number)
                await db.execute("SELECT pg_sleep(60)")
        while (data / "postmaster.pid").exists():
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        assert await db.fetch_all("SELECT * FROM one") == []


@pytest.mark.parametrize("is_noticed", [True, False], ids=["54-noticed", "54-not-noticed"])
async def test_a_server_that_restarts_while_it_is_idle_costs_no_run(
    server: PostgresServer, is_noticed: bool
) -> None:
    async with client(server.url()) as db:
        await platform_migrate.up(db)
        await db.execute("TRUNCATE cleaned_events")
        for work in (server.stop, server.start):
            if is_noticed:
                await asyncio.to_thread(work)
            else:  # the event loop stands still, and no connection hears of its end
                work()
        result = await EventJob(db).load(between(event_line()))
        assert (result.code, totals(result)) == (0, totals_of(3, inserted=3))


async def test_55_a_server_that_freezes_is_given_up_also_when_the_pool_is_closed(
    server: PostgresServer, administrator: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_postgres._connection.GRACE_SECONDS", 0.1)
    monkeypatch.setattr("platform_postgres._sessions.CLOSE_TIMEOUT_SECONDS", 0.1)
    db = client(server.url(), DB_POSTGRES_STATEMENT_TIMEOUT="100")
    await db.connect()
    pids = [row["pid"] for row in await administrator.fetch(BACKENDS)]
    async with asyncio.timeout(60):
        with pytest.raises(StatementTimeoutError):
            async with db.transaction():
                await db.execute("SELECT 1")
                with frozen(pids):
                    await db.execute("SELECT 1")
        with frozen(pids):
            assert not await db.health_check()
            await db.disconnect()
    assert not db.is_connected()


async def test_55_a_server_that_does_not_answer_at_all_is_given_up(
    server: PostgresServer, administrator: Administrator
) -> None:
    with frozen([await administrator.fetchval(POSTMASTER)]):
        async with asyncio.timeout(60):
            with pytest.raises(ConnectionLostError, match="did not answer"):
                await client(server.url(), DB_POSTGRES_CONNECT_TIMEOUT="0.1").connect()


async def test_56_each_limit_of_the_server_is_an_error_of_its_own(postgres_url: str) -> None:
    async with client(postgres_url) as db, client(postgres_url) as other:
        await db.execute("CREATE TABLE one (a INT)")
        async with other.transaction():
            await other.execute("LOCK TABLE one")
            with pytest.raises(StatementTimeoutError, match="lock timeout") as waited:
                async with db.transaction():
                    await db.execute("SET LOCAL lock_timeout = '50ms'")
                    await db.execute("INSERT INTO one VALUES (1)")
        with pytest.raises(ConnectionLostError) as idle:
            async with db.transaction():
                await db.execute("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
                while await other.fetch_all(f"{BACKENDS} AND state = 'idle in transaction'"):
                    pass
                await db.execute("SELECT 1")
        assert waited.value.is_transient
        assert idle.value.is_transient
        assert await db.fetch_all("SELECT * FROM one") == []


async def test_58_a_server_that_takes_no_more_connections_can_be_tried_again(
    server: PostgresServer, administrator: Administrator
) -> None:
    await administrator.execute("CREATE ROLE modest LOGIN CONNECTION LIMIT 1")
    url = server.url().replace("postgres@", "modest@")
    async with client(url, DB_POSTGRES_POOL_MIN="1"):
        with pytest.raises(ConnectionLostError, match="too many connections") as caught:
            await client(url).connect()
    assert caught.value.is_transient


async def test_62_the_server_looks_every_few_seconds_whether_its_client_is_still_there(
    postgres_url: str,
) -> None:
    async with client(postgres_url) as db:
        found = await db.fetch_one("SHOW client_connection_check_interval")
    assert found == {"client_connection_check_interval": "5s"}


async def test_63_runs_of_a_date_at_once_store_each_event_once(job: EventJob) -> None:
    lines = [event_line(f'{{"n": {number}}}') for number in range(30)]
    await job.load(between())
    content, reverse = between(*lines), between(*reversed(lines))
    runs = await asyncio.gather(
        job.load(content, reverse, batch_size=7), *(job.load(batch_size=size) for size in (1, 50))
    )
    assert [result.code for result in runs] == [0, 0, 0]
    inserted = sorted((totals(result)["inserted"], totals(result)["skipped"]) for result in runs)
    assert inserted == [(0, 32), (0, 32), (30, 2)]
    assert len(await job.event_types()) == 32


async def assert_refused(job: EventJob, message: str, **changes: str) -> None:
    """Assert that a run raises an error that says why no row can be stored, and rejects none."""
    with pytest.raises(DatabaseError, match=message):
        await job.load(between(event_line()), **changes)
    assert await job.fs.list("rejected") == []


COLUMNS = "event_type, payload, event_date, dedup_key, created_at, id"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        pytest.param("", "unfit", id="68-no-table"),
        pytest.param(
            f"CREATE TABLE unfit AS SELECT {COLUMNS} FROM cleaned_events; "
            "CREATE UNIQUE INDEX unfit_key ON unfit (dedup_key)",
            "source",
            id="68-no-column",
        ),
        pytest.param("CREATE TABLE unfit AS SELECT * FROM cleaned_events", "(?i)unique", id="68-no-key"),
    ],
)
async def test_a_table_of_another_shape_is_reported_and_no_line_is_rejected(
    job: EventJob, statement: str, message: str
) -> None:
    await job.db.execute(statement or "SELECT 1")
    await assert_refused(job, message, target_table="unfit")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        pytest.param(
            "CREATE VIEW unfit AS SELECT DISTINCT * FROM cleaned_events",
            "cannot insert into view",
            id="68-view",
        ),
        pytest.param(
            "CREATE TABLE unfit (LIKE cleaned_events, UNIQUE (dedup_key)) PARTITION BY HASH (dedup_key)",
            "no partition",
            id="68-no-partition",
        ),
        pytest.param(
            "CREATE TABLE unfit (LIKE cleaned_events INCLUDING ALL, extra INT NOT NULL)",
            'column "extra"',
            id="68-column-that-wants-a-value",
        ),
    ],
)
async def test_a_table_that_takes_no_row_is_reported_and_no_line_is_rejected(
    postgres_url: str, statement: str, message: str
) -> None:
    async with client(postgres_url) as db:
        await platform_migrate.up(db)
        await db.execute(statement)
        await assert_refused(EventJob(db), message, target_table="unfit")


async def test_68_a_database_that_is_read_only_is_reported(postgres_url: str) -> None:
    async with client(postgres_url) as db:
        await platform_migrate.up(db)
    async with client(f"{postgres_url}?default_transaction_read_only=on") as db:
        await assert_refused(EventJob(db), "read-only")


async def test_68_a_missing_grant_is_reported(server: PostgresServer, administrator: Administrator) -> None:
    async with client(server.url()) as db:
        await platform_migrate.up(db)
    await administrator.execute("CREATE ROLE reader LOGIN")
    await administrator.execute("GRANT SELECT ON cleaned_events TO reader")
    async with client(server.url().replace("postgres@", "reader@")) as db:
        await assert_refused(EventJob(db), "permission denied")


async def test_71_more_parameters_than_the_protocol_has_room_for_are_an_error_of_ours(
    postgres_url: str,
) -> None:
    async with client(postgres_url) as db:
        numbers = list(range(33_000))
        query = f"SELECT 1 IN ({', '.join(f'${number + 1}::int' for number in numbers)}) AS found"
        with pytest.raises(DatabaseError, match="32767"):
            await db.fetch_one(query, numbers)
        assert await db.fetch_one("SELECT 1 = ANY($1) AS found", [numbers]) == {"found": True}


async def test_71_one_bad_row_of_many_inserts_undoes_them_all(postgres_url: str) -> None:
    """A view takes no COPY, so each row is an INSERT."""
    async with client(postgres_url) as db:
        await db.execute("CREATE TABLE one (a INT NOT NULL)")
        await db.execute("CREATE VIEW seen AS SELECT a FROM one")
        with pytest.raises(ConstraintError):
            await db.bulk_insert("seen", [{"a": 1}, {"a": None}, {"a": 2}])
        assert await db.fetch_all("SELECT * FROM one") == []
