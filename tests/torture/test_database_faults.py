"""The database restarts, drops connections, cancels, freezes or runs full while a load is at work.

Every load ends within a limit. It completes when the fault passes; when it does not, the load says what
happened, and a rerun completes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import platform_migrate
from batch_etl import writer
from batch_etl.main import run
from platform_interfaces import ConnectionLostError, PlatformContext
from platform_localfs import LocalFileSystem
from platform_memory import MemoryLogger, MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres.server import PostgresServer
from platform_postgres.testing import running_server

SAMPLES = Path(__file__).parents[2] / "modules" / "batch_etl" / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
LOAD = ("run", "batch_etl", "--date", "2026-01-15", "--source-path", "raw/events", "--batch-size", "10")
LIMIT_SECONDS = 90


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own, for it will suffer."""
    with running_server({}) as server:
        yield server


class Load:
    """A load of the sample day, in a process of its own."""

    def __init__(self, project: Path, files: Path, url: str, *args: str, **variables: str) -> None:
        self._command = [str(Path(sys.executable).with_name("platform")), *LOAD, *args]
        ours = ("DB_", "FS_", "PLATFORM_", "LOG_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        shutil.copytree(SAMPLES / "raw", files / "raw", dirs_exist_ok=True)
        self._environment = environment | {
            "FS_LOCAL_ROOT": str(files),
            "PLATFORM_DB": "postgres",
            "PLATFORM_LOG": "json",
            "DB_POSTGRES_URL": url,
            **variables,
        }
        self._project = project

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command,
            cwd=self._project,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self) -> tuple[int, dict[str, Any], str]:
        """The exit code, the last event and the whole log of a load that nobody disturbs."""
        return ended(self.start())


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    with process:
        _, log = process.communicate(timeout=LIMIT_SECONDS)
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return process.returncode, events[-1], log


async def until_rows(url: str, least: int) -> None:
    """Return once the table has ``least`` rows, which a load is writing."""
    connection = await asyncpg.connect(url)
    try:
        while True:
            try:
                if await connection.fetchval("SELECT count(*) FROM cleaned_events") >= least:
                    return
            except asyncpg.UndefinedTableError:
                pass
            await connection.execute("SELECT pg_sleep(0.01)")
    finally:
        await connection.close()


async def check(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM cleaned_events") == EXPECTED["unique"]
    finally:
        await connection.close()


@pytest.fixture
def load(project: Path, tmp_path: Path, server: PostgresServer) -> Load:
    return Load(project, tmp_path / "files", server.url(), DB_POSTGRES_STATEMENT_TIMEOUT="2000")


async def test_a_restarted_server_is_waited_for(load: Load, server: PostgresServer) -> None:
    """Bad input 54."""
    process = load.start()
    await until_rows(server.url(), 300)
    server.stop()
    server.start()
    code, sums, log = ended(process)
    assert code == 0, log
    assert "Trying again" in log
    assert {name: sums[name] for name in EXPECTED} == EXPECTED
    assert (sums["inserted"], sums["skipped"]) == (EXPECTED["unique"], 0)
    await check(server.url())


@pytest.mark.parametrize("function", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_terminated_and_cancelled_statements_are_tried_again(
    load: Load, server: PostgresServer, function: str
) -> None:
    """Bad input 52."""
    process = load.start()
    await until_rows(server.url(), 200)
    connection = await asyncpg.connect(server.url())
    hits = 0
    while hits < 5 and process.poll() is None:
        hits += await connection.fetchval(
            f"SELECT count({function}(pid)) FROM pg_stat_activity "
            "WHERE application_name = 'data-platform' AND state <> 'idle'"
        )
    await connection.close()
    code, sums, log = ended(process)
    assert code == 0, log
    assert (sums["inserted"], sums["skipped"]) == (EXPECTED["unique"], 0)
    await check(server.url())


async def test_a_frozen_server_does_not_hold_a_load_for_ever(load: Load, server: PostgresServer) -> None:
    """Bad input 55."""
    process = load.start()
    await until_rows(server.url(), 200)
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
    code, sums, log = ended(process)
    assert code == 0, log
    assert (sums["inserted"], sums["skipped"]) == (EXPECTED["unique"], 0)
    await check(server.url())


async def test_a_server_that_stays_away_ends_the_load_with_the_reason_and_a_rerun_completes(
    load: Load, server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bad input 54."""
    monkeypatch.setattr(writer, "RETRY_SECONDS", 1)
    files = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path / "files")}))
    config = {"date": "2026-01-15", "source-path": "raw/events", "batch-size": 10}
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": server.url()})) as db:
        await platform_migrate.up(db)
        context = PlatformContext(log=MemoryLogger(), db=db, fs=files, config=config)
        loading = asyncio.create_task(run(context))
        await until_rows(server.url(), 200)
        await asyncio.to_thread(server.stop)
        with pytest.raises(ConnectionLostError):
            await loading
        await asyncio.to_thread(server.start)
    code, sums, log = load.run()
    assert code == 0, log
    assert sums["inserted"] + sums["skipped"] == EXPECTED["unique"]
    await check(server.url())


@pytest.fixture
def small_disk(embedded_dir: Path) -> Iterator[Path]:
    """A file system of 60 MB, which the write-ahead log of a new server nearly fills."""
    embedded_dir.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=75m", "tmpfs", str(embedded_dir)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk, and not everywhere")
    yield embedded_dir
    subprocess.run(["umount", "-l", str(embedded_dir)], check=True)


async def test_a_full_disk_ends_the_load_with_the_reason_and_a_rerun_completes(
    project: Path, tmp_path: Path, small_disk: Path
) -> None:
    """Bad input 67."""
    server = PostgresServer(small_disk, {"max_wal_size": "32MB", "min_wal_size": "32MB"})
    server.start()
    filler = small_disk / "filler"
    load = Load(project, tmp_path / "files", server.url())
    try:
        connection = await asyncpg.connect(server.url())
        await connection.execute("CHECKPOINT")
        process = load.start()
        await until_rows(server.url(), 100)
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        code, _, log = ended(process)
        assert code == 1, log
        assert "No space left on device" in log or "cannot be reached" in log
        filler.unlink()
        await connection.close()
        server.stop()
        server.start()
        code, sums, log = load.run()
        assert code == 0, log
        assert sums["inserted"] + sums["skipped"] == EXPECTED["unique"]
        await check(server.url())
    finally:
        server.stop()
