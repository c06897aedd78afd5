"""Several runs at once, and tables in use."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from platform_interfaces import DatabaseInterface, LockTimeoutError
from platform_migrate import (
    MigrationFailedError,
    MigrationRun,
    Source,
    down,
    executor,
    guard,
    mark_applied,
    mark_pending,
    status,
    up,
)

Write = Callable[[str, str], Path]
WriteTable = Callable[..., Path]
Tables = Callable[[DatabaseInterface], Awaitable[set[str]]]
Connect = Callable[..., Awaitable[DatabaseInterface]]
Until = Callable[[DatabaseInterface, str], Awaitable[dict[str, Any]]]

LOCK = "platform-migrate:public._migrations"


async def test_five_runs_at_once_apply_everything_once(db: DatabaseInterface) -> None:
    """Case 22."""
    runs = await asyncio.gather(*(up(db) for _ in range(5)))
    assert sorted(len(run.applied) for run in runs) == [0, 0, 0, 0, 5]
    assert len(await db.fetch_all("SELECT * FROM _migrations")) == 5


async def test_with_nothing_pending_a_run_does_not_wait_for_another_one(db: DatabaseInterface) -> None:
    """Case 23."""
    await up(db)
    async with db.lock(LOCK, timeout=0):
        assert await up(db) == MigrationRun()
        assert len(await status(db)) == 5


async def test_whatever_changes_something_gives_up_while_another_run_holds_the_lock(
    db: DatabaseInterface, tables: Tables
) -> None:
    """Case 23."""
    await up(db, 1)
    async with db.lock(LOCK, timeout=0):
        for change in (
            up(db, lock_wait=0),
            down(db, lock_wait=0),
            mark_applied(db, through=3, lock_wait=0),
            mark_pending(db, ["001_create_migrations_table"], lock_wait=0),
        ):
            with pytest.raises(LockTimeoutError):
                await change
    assert await tables(db) == {"_migrations"}


async def test_five_clients_at_once_apply_everything_once(pg: DatabaseInterface, connect: Connect) -> None:
    """Case 22."""
    clients = [await connect() for _ in range(5)]
    runs = await asyncio.gather(*(up(client) for client in clients))
    assert sorted(len(run.applied) for run in runs) == [0, 0, 0, 0, 5]


async def test_a_run_that_waits_says_for_whom_and_gives_up_without_a_change(
    pg: DatabaseInterface, connect: Connect, tables: Tables
) -> None:
    """Case 23."""
    other = await connect()
    notices: list[str] = []
    async with other.lock(LOCK, timeout=0):
        with pytest.raises(LockTimeoutError, match="held by server process"):
            await up(pg, lock_wait=2.1, notify=notices.append)
    assert [line.startswith("waiting up to") and "held by server process" in line for line in notices] == [
        True
    ]
    assert await tables(pg) == set()


async def test_two_schemas_of_one_database_do_not_block_each_other(
    pg: DatabaseInterface, connect: Connect
) -> None:
    """Case 23."""
    await pg.execute('CREATE SCHEMA "tenant-2"')
    tenant = await connect(search_path='"tenant-2"')
    async with pg.lock(LOCK, timeout=0):
        assert len((await up(tenant, lock_wait=0)).applied) == 5
    assert len((await up(pg)).applied) == 5


async def test_a_waiting_run_does_not_block_an_index_that_is_built_concurrently(
    pg: DatabaseInterface, connect: Connect, tmp_path: Path, write_table: WriteTable, until: Until
) -> None:
    """Case 24."""
    wait = "await conn.execute('SELECT pg_advisory_lock(7)')"
    index = "await conn.execute('CREATE INDEX CONCURRENTLY a_name ON a (name)')"
    write_table("001_a", "a", top="TRANSACTION = False", then=f"{wait}; {index}")
    holder, other = await connect(), await connect()
    waiting: asyncio.Queue[str] = asyncio.Queue()
    async with holder.transaction():
        await holder.execute("SELECT pg_advisory_xact_lock(7)")
        first = asyncio.create_task(up(pg, sources=[Source(tmp_path)]))
        await until(other, "query LIKE '%advisory_lock(7)%' AND wait_event = 'advisory'")
        second = asyncio.create_task(
            up(await connect(), sources=[Source(tmp_path)], notify=waiting.put_nowait)
        )
        await waiting.get()
    assert (await first).applied == ("001_a",)
    assert (await second).applied == ()


async def test_a_run_after_a_failed_one_in_the_same_pool_goes_on(
    pg: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 24."""
    write_table("001_a", "a", then="raise RuntimeError")
    with pytest.raises(MigrationFailedError):
        await up(pg, sources=[Source(tmp_path)])
    write_table("001_a", "a")
    assert (await up(pg, sources=[Source(tmp_path)], lock_wait=0)).applied == ("001_a",)


async def test_a_table_in_use_is_tried_again_and_readers_behind_it_go_on_meanwhile(
    pg: DatabaseInterface, connect: Connect, tmp_path: Path, write: Write, until: Until
) -> None:
    """Case 25."""
    await pg.execute("CREATE TABLE busy (id INT)")
    write("001_a", "async def up(conn): await conn.execute('ALTER TABLE busy ADD COLUMN name TEXT')")
    user, reader = await connect(), await connect()
    notices: asyncio.Queue[str] = asyncio.Queue()
    async with user.transaction():
        await user.execute("SELECT * FROM busy")
        run = asyncio.create_task(up(pg, sources=[Source(tmp_path)], notify=notices.put_nowait))
        await until(reader, "query LIKE '%ALTER TABLE busy%' AND wait_event = 'relation'")
        assert await reader.fetch_all("SELECT * FROM busy") == []  # it stands behind the ALTER, not for long
        assert "'001_a' was rolled back, next try in 1 s" in await notices.get()
    assert (await run).applied == ("001_a",)


async def test_a_table_that_stays_in_use_fails_the_run_in_the_end(
    pg: DatabaseInterface, connect: Connect, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 25."""
    monkeypatch.setattr(guard, "LOCK_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(executor, "RETRY_PAUSES_SECONDS", (0.0,) * 4)
    await pg.execute("CREATE TABLE busy (id INT)")
    write("001_a", "async def up(conn): await conn.execute('ALTER TABLE busy ADD COLUMN name TEXT')")
    user = await connect()
    notices: list[str] = []
    async with user.transaction():
        await user.execute("SELECT * FROM busy")
        with pytest.raises(MigrationFailedError, match="lock timeout"):
            await up(pg, sources=[Source(tmp_path)], notify=notices.append)
    assert len(notices) == 4
    assert [found.state for found in await status(pg, sources=[Source(tmp_path)])] == ["pending"]
