"""The database restarts, drops connections, cancels, freezes or runs full while a load is at work.

Every load ends within a limit. It completes when the fault passes; when it does not, the load says what
happened, and a rerun completes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

import platform_migrate
from batch_etl.ingest import Limits
from platform_interfaces import ConnectionLostError, DatabaseError
from platform_localfs import LocalFileSystem
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres.server import PostgresServer
from platform_postgres.testing import running_server
from tests.helpers.event_job import EventJob
from tests.torture.load import Day, Load


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Yield a server of its own, for it will suffer."""
    with running_server({}) as server:
        yield server


async def until_rows(url: str) -> None:
    """Return once the table has rows: a load has written its first batch."""
    connection = await asyncpg.connect(url)
    try:
        while True:
            try:
                if await connection.fetchval("SELECT EXISTS (SELECT FROM cleaned_events)"):
                    return
            except asyncpg.UndefinedTableError:
                pass
            await connection.execute("SELECT pg_sleep(0.01)")
    finally:
        await connection.close()


async def check(url: str, day: Day) -> None:
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM cleaned_events") == day.unique
    finally:
        await connection.close()


@pytest.fixture
def load(project: Path, tmp_path: Path, day: Day, server: PostgresServer) -> Load:
    variables = {"DB_POSTGRES_URL": server.url(), "DB_POSTGRES_STATEMENT_TIMEOUT": "2000"}
    return Load(project, tmp_path / "files", day, **variables)


async def test_a_restarted_server_is_waited_for(load: Load, day: Day, server: PostgresServer) -> None:
    """Bad input 54."""
    process = load.start()
    await until_rows(server.url())
    server.stop()
    server.start()
    done = load.finish(process)
    assert "Trying again" in done.log
    assert done.totals()["skipped"] == 0
    await check(server.url(), day)


@pytest.mark.parametrize("function", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_terminated_and_cancelled_statements_are_tried_again(
    load: Load, day: Day, server: PostgresServer, function: str
) -> None:
    """Bad input 52."""
    process = load.start()
    await until_rows(server.url())
    finishing = asyncio.create_task(asyncio.to_thread(load.finish, process))
    connection = await asyncpg.connect(server.url())
    hits = 0
    async with connection.transaction():
        # So that the statements are under way for certain: those that write wait for the end of the block.
        await connection.execute("LOCK TABLE cleaned_events IN SHARE MODE")
        while hits < 5:
            assert not finishing.done()
            hits += await connection.fetchval(
                f"SELECT count({function}(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'data-platform' AND wait_event_type = 'Lock'"
            )
            await connection.execute("SELECT pg_stat_clear_snapshot()")
    await connection.close()
    done = await finishing
    assert "Trying again" in done.log
    assert done.totals()["skipped"] == 0
    await check(server.url(), day)


async def test_a_frozen_server_does_not_hold_a_load_for_ever(
    load: Load, day: Day, server: PostgresServer
) -> None:
    """Bad input 55."""
    process = load.start()
    await until_rows(server.url())
    connection = await asyncpg.connect(server.url())
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'data-platform'"
    pids = [row["pid"] for row in await connection.fetch(query)]
    await connection.close()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    assert process.stderr is not None
    try:
        assert any("Trying again" in line for line in process.stderr)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert load.finish(process).totals()["skipped"] == 0
    await check(server.url(), day)


async def test_a_server_that_stays_away_ends_the_load_with_the_reason_and_a_rerun_completes(
    load: Load, day: Day, server: PostgresServer, tmp_path: Path
) -> None:
    """Bad input 54."""
    files = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path / "files")}))
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": server.url()})) as db:
        await platform_migrate.up(db)
        loading = asyncio.create_task(EventJob(db, files, Limits(retry_seconds=1)).run(batch_size=10))
        await until_rows(server.url())
        await asyncio.to_thread(server.stop)
        with pytest.raises(ConnectionLostError):
            await loading
        await asyncio.to_thread(server.start)
    load.finish()
    await check(server.url(), day)


@pytest.fixture
def small_disk(embedded_dir: Path) -> Iterator[Path]:
    """Mount a file system that the write-ahead log and the table leave little room on."""
    embedded_dir.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(embedded_dir)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk, and not everywhere")
    yield embedded_dir
    subprocess.run(["umount", "-l", str(embedded_dir)], check=True)


async def test_a_full_disk_ends_the_load_with_the_reason_and_a_rerun_completes(
    project: Path, tmp_path: Path, day: Day, small_disk: Path
) -> None:
    """Bad input 67."""
    server = PostgresServer(small_disk, {"max_wal_size": "32MB", "min_wal_size": "32MB"})
    server.start()
    filler = small_disk / "filler"
    load = Load(project, tmp_path / "files", day, DB_POSTGRES_URL=server.url())
    files = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path / "files")}))
    try:
        async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": server.url()})) as db:
            await platform_migrate.up(db)
            await db.execute("CHECKPOINT")
            loading = asyncio.create_task(EventJob(db, files, Limits(retry_seconds=1)).run(batch_size=10))
            await until_rows(server.url())
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            # A server that panics for want of room drops every connection.
            with pytest.raises(DatabaseError, match=r"No space left on device|cannot be reached"):
                await loading
        filler.unlink()
        server.stop()
        server.start()
        assert load.finish().totals()["skipped"] > 0
        await check(server.url(), day)
    finally:
        server.stop()
