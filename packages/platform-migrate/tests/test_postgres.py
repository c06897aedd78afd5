"""What only a server with sessions, roles and locks on tables can do to a migration."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from platform_interfaces import ConnectionLostError, DatabaseInterface, LockTimeoutError, QueryError
from platform_migrate import MigrationFailedError, MigrationLockLostError, Source, down, status, up

Write = Callable[[str, str], Path]
WriteTable = Callable[..., Path]
Tables = Callable[[DatabaseInterface], Awaitable[set[str]]]
Connect = Callable[..., Awaitable[DatabaseInterface]]
Until = Callable[[DatabaseInterface, str], Awaitable[dict[str, Any]]]

LOCK = "platform-migrate:public._migrations"


async def states(db: DatabaseInterface, directory: Path) -> list[str]:
    return [found.state.value for found in await status(db, sources=[Source(directory)])]


def executing(*statements: str) -> str:
    """Calls that run ``statements`` one by one, to end a migration's function."""
    return "; ".join(f"await conn.execute({statement!r})" for statement in statements)


# --- transactions ---


@pytest.mark.parametrize("statements", [["COMMIT"], ["COMMIT", "BEGIN"], ["COMMIT; BEGIN"]])
async def test_what_a_migration_committed_by_itself_is_said_to_be_permanent(
    pg: DatabaseInterface, tmp_path: Path, write_table: WriteTable, tables: Tables, statements: list[str]
) -> None:
    """Case 14."""
    write_table("001_a", "a", then=executing(*statements, "CREATE TABLE later (id INT)"))
    with pytest.raises(MigrationFailedError, match=r"ended its own transaction.*is permanent"):
        await up(pg, sources=[Source(tmp_path)])
    assert "a" in await tables(pg)
    assert await states(pg, tmp_path) == ["pending"]


async def test_a_migration_that_fails_after_its_commit_names_both(
    pg: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 14."""
    write_table("001_a", "a", then=executing("COMMIT", "SELECT * FROM no_such_table"))
    with pytest.raises(MigrationFailedError, match=r"ended its own transaction.*then.*no_such_table"):
        await up(pg, sources=[Source(tmp_path)])


async def test_the_lock_is_held_until_a_cancelled_migration_is_undone(
    pg: DatabaseInterface,
    connect: Connect,
    tmp_path: Path,
    write_table: WriteTable,
    until: Until,
    tables: Tables,
) -> None:
    """Case 15."""
    write_table("001_a", "a", then=executing("SELECT pg_sleep(60)"))
    other = await connect()
    run = asyncio.create_task(up(pg, sources=[Source(tmp_path)]))
    await until(other, "query LIKE '%pg_sleep(60)%'")
    with pytest.raises(LockTimeoutError):
        async with other.lock(LOCK, timeout=0):
            pass
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await tables(pg) == {"_migrations"}
    write_table("001_a", "a")
    assert (await up(pg, sources=[Source(tmp_path)], lock_wait=0)).applied == ("001_a",)


async def test_a_connection_terminated_midway_undoes_the_migration_and_names_the_cause(
    pg: DatabaseInterface, tmp_path: Path, write_table: WriteTable, tables: Tables
) -> None:
    """Case 16."""
    write_table("001_a", "a", then=executing("SELECT pg_terminate_backend(pg_backend_pid())"))
    with pytest.raises(MigrationFailedError, match="terminating connection") as caught:
        await up(pg, sources=[Source(tmp_path)])
    assert isinstance(caught.value.__cause__, ConnectionLostError)
    assert await tables(pg) == {"_migrations"}
    write_table("001_a", "a")
    assert (await up(pg, sources=[Source(tmp_path)], lock_wait=0)).applied == ("001_a",)


async def test_a_run_whose_lock_another_process_got_is_stopped_and_rolled_back(
    pg: DatabaseInterface, connect: Connect, tmp_path: Path, write_table: WriteTable, until: Until
) -> None:
    """Case 16."""
    write_table("001_a", "a", then=executing("SELECT pg_sleep(60)"))
    rival, other, stopped = await connect(), await connect(), asyncio.Event()
    run = asyncio.create_task(up(pg, sources=[Source(tmp_path)]))
    await until(other, "query LIKE '%pg_sleep(60)%'")
    lock = await until(other, "locktype = 'advisory' AND granted")

    async def take() -> None:
        async with rival.transaction():
            await rival.execute("SELECT pg_advisory_xact_lock($1)", [lock["key"]])
            await stopped.wait()

    taking = asyncio.create_task(take())
    await until(other, "locktype = 'advisory' AND NOT granted")
    await other.execute("SELECT pg_terminate_backend($1)", [lock["pid"]])
    with pytest.raises(MigrationLockLostError, match=LOCK):
        await run
    stopped.set()
    await taking
    assert await states(pg, tmp_path) == ["pending"]
    write_table("001_a", "a")
    assert (await up(pg, sources=[Source(tmp_path)])).applied == ("001_a",)


# --- sessions ---

CHANGES = (
    "SET search_path = elsewhere",
    "SET ROLE {role}",
    "SET SESSION AUTHORIZATION {role}",
    "SET statement_timeout = 1234",
    "SET lock_timeout = 1234",
    "SET TimeZone = 'Asia/Tokyo'",
)
SESSION = (
    "SELECT current_user AS u, session_user AS s, current_schema() AS schema, "
    "current_setting('statement_timeout') AS st, current_setting('lock_timeout') AS lt, "
    "current_setting('TimeZone') AS tz"
)


@pytest.fixture
async def role(pg: DatabaseInterface) -> AsyncIterator[str]:
    """Create a role that may do nothing but use the schema ``elsewhere``."""
    role = f"role_{uuid4().hex}"
    await pg.execute(f"CREATE ROLE {role} LOGIN")
    await pg.execute("CREATE SCHEMA elsewhere")
    await pg.execute(f"GRANT USAGE ON SCHEMA elsewhere TO {role}")
    yield role
    await pg.execute(f"DROP OWNED BY {role}")
    await pg.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("top", ["", "TRANSACTION = False"])
@pytest.mark.parametrize("change", CHANGES)
async def test_a_setting_left_behind_reaches_neither_the_table_nor_the_next_migration(
    pg: DatabaseInterface,
    tmp_path: Path,
    write: Write,
    write_table: WriteTable,
    role: str,
    change: str,
    top: str,
) -> None:
    """Case 18."""
    before = await pg.fetch_one(SESSION)
    changing = executing(change.format(role=role))
    write_table("001_a", "a", top=top, then=changing, undo=changing)
    write(
        "002_b",
        f"async def up(conn): {executing('CREATE TABLE seen AS ' + SESSION)}\nasync def down(conn): pass",
    )
    assert (await up(pg, sources=[Source(tmp_path)])).applied == ("001_a", "002_b")
    seen = await pg.fetch_one("SELECT * FROM seen")
    assert before is not None
    assert seen == {**before, "lt": "3s"}
    await down(pg, 2, source=Source(tmp_path))
    assert await pg.fetch_one(SESSION) == before


# --- hints ---


async def test_an_enum_value_used_where_it_was_added_fails_with_a_hint(
    pg: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 19."""
    await pg.execute("CREATE TYPE mood AS ENUM ('calm')")
    write_table("001_a", "a", then=executing("ALTER TYPE mood ADD VALUE 'gay'", "SELECT 'gay'::mood"))
    with pytest.raises(MigrationFailedError, match=r"unsafe use of new value.*in a migration of its own"):
        await up(pg, sources=[Source(tmp_path)])


async def test_concurrently_needs_a_file_without_transaction_and_an_execute_of_its_own(
    pg: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 20."""
    index = "CREATE INDEX CONCURRENTLY a_name ON a (name)"
    write_table("001_a", "a", then=executing(index))
    with pytest.raises(
        MigrationFailedError, match=r"'TRANSACTION = False' at the top.*execute\(\) of its own"
    ):
        await up(pg, sources=[Source(tmp_path)])
    write_table("001_a", "a", top="TRANSACTION = False", then=executing(f"SELECT 1; {index}"))
    with pytest.raises(MigrationFailedError, match=r"execute\(\) of its own"):
        await up(pg, sources=[Source(tmp_path)])
    await pg.execute("DROP TABLE a")
    write_table("001_a", "a", top="TRANSACTION = False", then=executing(index))
    assert (await up(pg, sources=[Source(tmp_path)])).applied == ("001_a",)


async def test_an_unfinished_index_fails_the_migration_that_names_it_and_is_reported_to_others(
    pg: DatabaseInterface, tmp_path: Path, write: Write
) -> None:
    """Case 21."""
    write(
        "001_a",
        """
        TRANSACTION = False

        async def up(conn):
            await conn.execute("CREATE TABLE IF NOT EXISTS a (id INT)")
            await conn.execute("INSERT INTO a VALUES (1), (1)")
            try:
                await conn.execute("CREATE UNIQUE INDEX CONCURRENTLY a_id ON a (id)")
            except Exception:
                pass
        """,
    )
    with pytest.raises(
        MigrationFailedError, match=r"'a_id' is not valid.*DROP INDEX CONCURRENTLY IF EXISTS a_id"
    ):
        await up(pg, sources=[Source(tmp_path)])
    assert await states(pg, tmp_path) == ["pending"]
    write("001_a", "TRANSACTION = False\nasync def up(conn): pass")
    notices: list[str] = []
    assert (await up(pg, sources=[Source(tmp_path)], notify=notices.append)).applied == ("001_a",)
    assert ["'a_id' is not valid" in line for line in notices] == [True]


# --- grants ---


async def test_status_and_up_need_no_right_to_create(
    pg: DatabaseInterface,
    connect: Connect,
    tmp_path: Path,
    write: Write,
    write_table: WriteTable,
    role: str,
) -> None:
    """Case 27."""
    await pg.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    write_table("001_a", "a")
    weak = await connect(role=role)
    assert await states(weak, tmp_path) == ["pending"]
    await up(pg, sources=[Source(tmp_path)])
    with pytest.raises(QueryError, match="permission denied for table _migrations"):
        await status(weak, sources=[Source(tmp_path)])
    await pg.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    await pg.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
    write("002_b", "async def up(conn): await conn.execute(\"INSERT INTO a (name) VALUES ('x')\")")
    assert (await up(weak, sources=[Source(tmp_path)])).applied == ("002_b",)
    assert await states(weak, tmp_path) == ["applied", "applied"]
