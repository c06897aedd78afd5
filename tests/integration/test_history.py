"""The history of runs on a PostgreSQL server: processes that die, runs at once, and what is not written."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from platform_cli.__main__ import main
from platform_cli.history import recorder

HOLD = """
import asyncio


async def run(ctx):
    ctx.run.figures["n"] = 1
    await ctx.run.save_figures()
    print("runs", flush=True)
    while True:
        if await ctx.fs.exists("go"):
            return 0
        await asyncio.sleep(0.01)
"""
MANIFEST = {
    "name": "hold",
    "version": "1.0.0",
    "type": "job",
    "description": "Waits for a file.",
    "dependencies": {"interfaces": ["database", "filesystem"]},
}
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def site(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a module that runs until there is a file ``go``, and choose the server."""
    package, info = tmp_path / "site" / "hold_job", tmp_path / "site" / "hold_job-1.0.dist-info"
    for folder in (package, info):
        folder.mkdir(parents=True)
    (info / "entry_points.txt").write_text("[platform.modules]\nhold = hold_job\n")
    (package / "__init__.py").touch()
    (package / "main.py").write_text(HOLD)
    (package / "module.json").write_text(json.dumps(MANIFEST))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DB_POSTGRES_URL", postgres_url)
    monkeypatch.setenv("PLATFORM_DB", "postgres")
    monkeypatch.setenv("FS_LOCAL_ROOT", str(tmp_path / "files"))
    (tmp_path / "files").mkdir()
    return tmp_path / "site"


def run_module(site: Path, *words: str) -> subprocess.Popen[str]:
    """Start a run in a process of its own."""
    command = [sys.executable, "-m", "platform_cli", "run", *words]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


@pytest.fixture
def start(site: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts a run in a process of its own, which is killed at the end of the test."""
    started = []

    def start() -> subprocess.Popen[str]:
        process = run_module(site, "hold")
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "runs\n"
        return process

    yield start
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def command(site: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs a command line in this process."""

    def command(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(words)
        return code, *capfd.readouterr()

    return command


def recorded(command: Command, *words: str) -> list[Mapping[str, Any]]:
    code, out, err = command("runs", "--json", *words)
    assert code == 0, err
    runs: list[Mapping[str, Any]] = json.loads(out)["runs"]
    return runs


def test_a_killed_run_is_interrupted_and_one_beside_it_goes_on(
    start: Callable[[], subprocess.Popen[str]], command: Command, tmp_path: Path
) -> None:
    first, second = start(), start()
    assert [run["status"] for run in recorded(command)] == ["running", "running"]
    code, _, err = command("runs", "undo", recorded(command)[0]["id"], "--yes")
    assert (code, "is still running: stop it" in err) == (1, True)
    first.kill()
    first.wait()
    found = {run["process_id"]: run for run in recorded(command)}
    assert (found[first.pid]["status"], found[second.pid]["status"]) == ("interrupted", "running")
    killed = found[first.pid]
    assert (killed["exit_code"], killed["ended_at"], killed["figures"]) == (None, None, {"n": 1})
    assert [run["id"] for run in recorded(command, "--failed")] == [killed["id"]]
    (tmp_path / "files" / "go").touch()
    assert second.wait(60) == 0
    assert {run["process_id"]: run["status"] for run in recorded(command)} == {
        first.pid: "interrupted",
        second.pid: "succeeded",
    }


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_a_signal_stops_says_so_itself(
    start: Callable[[], subprocess.Popen[str]], command: Command, number: signal.Signals, code: int
) -> None:
    process = start()
    process.send_signal(number)
    assert process.wait(60) == code
    [run] = recorded(command)
    assert (run["status"], run["exit_code"], run["failure_kind"]) == ("interrupted", code, "interrupted")
    assert run["ended_at"]


HANGING = """
    CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';
    CREATE TRIGGER hang BEFORE INSERT ON _runs FOR EACH ROW EXECUTE FUNCTION hang()
"""


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ("ALTER DATABASE {} SET default_transaction_read_only = on", "in a read-only transaction"),
        ("DROP TABLE _runs", "table '_runs' does not exist"),
        ("ALTER TABLE _runs ADD CHECK (status = 'failed')", "violates check constraint"),
        (HANGING, "the database did not answer within 0.2 s"),
    ],
    ids=["read-only", "no table", "refused", "hanging"],
)
def test_what_the_server_refuses_of_the_history_fails_no_run(
    site: Path,
    command: Command,
    postgres_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    statements: str,
    reason: str,
) -> None:
    async def prepare() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(statements.format(urlsplit(postgres_url).path.strip("/")))
        await connection.close()

    monkeypatch.syspath_prepend(site)
    (tmp_path / "files" / "go").touch()
    assert command("migrate", "up")[0] == 0
    asyncio.run(prepare())
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 0.2 if "pg_sleep" in statements else 4)
    code, out, err = command("run", "hold", "--json")
    assert (code, json.loads(out)["status"]) == (0, "succeeded")
    assert (err.count("The run is not in the history"), reason in err) == (1, True)


SLOW_COMMIT = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON cleaned_events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.event_type = 'slow') EXECUTE FUNCTION wait()
"""
COMMITTING = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'PgSleep'"


def test_the_undo_of_a_killed_load_has_the_rows_that_were_being_committed(
    site: Path, command: Command, postgres_url: str, tmp_path: Path
) -> None:
    words = ["batch_etl", "--date", "2026-01-15", "--source-path", "raw"]
    folder = tmp_path / "files" / "raw" / "2026-01-15"
    folder.mkdir(parents=True)
    line = '{"event_type": "%s", "payload": {}, "source": "s"}\n'
    (folder / "a.jsonl").write_text(line % "a" + line % "slow")
    assert command("migrate", "up")[0] == 0

    async def kill_in_commit() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(SLOW_COMMIT)
        with run_module(site, *words) as process:
            while not await connection.fetchval(COMMITTING):
                assert process.poll() is None
            process.kill()
        await connection.close()

    asyncio.run(kill_in_commit())
    while recorded(command)[0]["status"] == "running":  # until the server knows of the death
        continue
    [run] = recorded(command)
    code, out, _ = command("runs", "undo", run["id"], "--yes")
    assert (code, out.splitlines()[-1].startswith("removed 2 rows; ")) == (0, True)
    assert command("run", *words)[0] == 0
    assert [(each["status"], each["figures"].get("inserted")) for each in recorded(command)] == [
        ("succeeded", 2),
        ("undone", None),
    ]
