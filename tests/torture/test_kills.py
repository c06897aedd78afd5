"""Runs that are killed at random moments: after one more run, everything is as after a clean load.

A few kills are part of the normal suite; `make torture` does several hundred. The seed is printed, and
TORTURE_SEED repeats it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "modules" / "batch_etl" / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
KILLS = int(os.environ.get("TORTURE_KILLS", "6"))
SEED = int(os.environ.get("TORTURE_SEED", str(random.SystemRandom().randrange(2**32))))
SIGNALS = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
LOAD = ("run", "batch_etl", "--date", "2026-01-15", "--source-path", "raw/events", "--batch-size", "40")

Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A root with the sample day."""
    shutil.copytree(SAMPLES / "raw", tmp_path / "files" / "raw")
    return tmp_path / "files"


def starter(project: Path, files: Path, **variables: str) -> Start:
    """A function that starts a load of the day, as a process of its own."""
    ours = ("DB_", "FS_", "PLATFORM_", "LOG_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {"FS_LOCAL_ROOT": str(files), "PLATFORM_LOG": "json", **variables}
    command = [str(Path(sys.executable).with_name("platform")), *LOAD]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, cwd=project, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    return start


def finish(start: Start) -> dict[str, Any]:
    """The sums of a load that nobody disturbs."""
    with start() as process:
        _, log = process.communicate(timeout=120)
    assert process.returncode == 0, log
    sums: dict[str, Any] = json.loads(log.splitlines()[-1])
    assert {name: sums[name] for name in EXPECTED} == EXPECTED
    assert sums["inserted"] + sums["skipped"] == EXPECTED["unique"]
    return sums


def kill(start: Start, draw: random.Random, longest: float) -> None:
    """Start a load, and end it with a random signal at a random moment, if it has not ended by itself."""
    number = draw.choice(list(SIGNALS))
    with start() as process:
        try:
            _, log = process.communicate(timeout=draw.uniform(0, longest))
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            _, log = process.communicate(timeout=60)
    # Before the command has taken the signals over, the interpreter dies of them as it would by itself.
    assert process.returncode in (0, SIGNALS[number], -number), log


def leftovers(files: Path) -> list[str]:
    """Files that only a write in progress has."""
    return [path.name for path in files.rglob("*") if path.name.endswith(".tmp")]


def rejected(files: Path) -> list[dict[str, Any]]:
    """What was kept of bad lines, without the id of the run."""
    lines = [
        line for path in sorted(files.glob("rejected/**/*.jsonl")) for line in path.read_text().splitlines()
    ]
    return [{key: value for key, value in json.loads(line).items() if key != "run_id"} for line in lines]


async def test_after_kills_one_more_run_leaves_what_a_clean_load_leaves(
    project: Path, files: Path, postgres_url: str
) -> None:
    """Bad input 62."""
    print(f"TORTURE_SEED={SEED}")
    draw = random.Random(SEED)
    start = starter(project, files, PLATFORM_DB="postgres", DB_POSTGRES_URL=postgres_url)
    connection = await asyncpg.connect(postgres_url)
    table = "SELECT event_type, payload::text, event_date, dedup_key FROM cleaned_events ORDER BY dedup_key"
    try:
        began = time.monotonic()
        finish(start)
        longest = time.monotonic() - began
        clean, clean_rejects = await connection.fetch(table), rejected(files)
        assert (len(clean), len(clean_rejects)) == (EXPECTED["unique"], EXPECTED["invalid"])
        kills = 0
        while kills < KILLS:
            await connection.execute("TRUNCATE cleaned_events")
            shutil.rmtree(files / "rejected")
            for _ in range(min(draw.randint(1, 3), KILLS - kills)):
                kill(start, draw, longest)
                kills += 1
            finish(start)
            assert await connection.fetch(table) == clean
            assert rejected(files) == clean_rejects
            assert leftovers(files) == []
            others = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            assert await connection.fetchval(others) == 0
    finally:
        await connection.close()


def test_a_killed_load_on_the_embedded_server_is_completed_and_the_server_stops(
    project: Path, files: Path, embedded_dir: Path
) -> None:
    print(f"TORTURE_SEED={SEED}")
    draw = random.Random(SEED)
    start = starter(project, files, PLATFORM_DB="embedded", DB_EMBEDDED_DIR=str(embedded_dir))
    for _ in range(max(2, KILLS // 10)):
        kill(start, draw, longest=3.0)
    finish(start)
    assert finish(start)["inserted"] == 0
    assert not (embedded_dir / "data" / "postmaster.pid").exists()
    assert leftovers(files) == []
