"""Runs that are killed at random times: after one more run, everything is as after a clean load.

A few kills are part of the normal suite; `make torture` does several hundred. The seed is printed, and
TORTURE_SEED repeats it; so is what the kills have hit.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.torture.load import EVENTS, ORDERS, Day, Load, wait_for

KILLS = int(os.environ.get("TORTURE_KILLS", "3"))
SEED = int(os.environ.get("TORTURE_SEED", str(random.SystemRandom().randrange(2**32))))
SIGNALS = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
# A commit takes as long as with a slow disk: else hardly a kill would find one.
SLOW_COMMIT = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(0.01); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.id % 1000 = 0) EXECUTE FUNCTION wait()
"""
STATEMENTS = """
    SELECT DISTINCT 'in ' || split_part(btrim(query, E' \\n'), ' ', 1) AS name FROM pg_stat_activity
    WHERE application_name = 'data-platform' AND state = 'active'
"""
ROWS = """
    SELECT count(*) AS n, md5(string_agg(md5(row({columns}, event_date)::text), ''
    ORDER BY {key})) AS digest FROM {table}
"""
PHASES = {"in COPY", "in COMMIT", "some rows", "some rejects"}


async def kill(
    load: Load,
    draw: random.Random,
    longest: float,
    observer: asyncpg.Connection[asyncpg.Record] | None = None,
) -> set[str]:
    """Start a load, end it with a random signal at a random time, and return what the server was at."""
    number, statements = draw.choice(list(SIGNALS)), set[str]()
    process = load.start()
    try:
        await asyncio.to_thread(process.communicate, timeout=draw.uniform(0, longest))
    except subprocess.TimeoutExpired:
        if observer:
            statements = {row["name"] for row in await observer.fetch(STATEMENTS)}
        process.send_signal(number)
    done = wait_for(process)
    # Before the command has taken the signals over, the interpreter dies of them as it would by itself: while
    # it imports `site`, of SIGINT with exit code 1.
    dies_in_site = number is signal.SIGINT and "Fatal Python error: init_import_site" in done.log
    assert done.code in (0, SIGNALS[number], -number, *([1] if dies_in_site else [])), done.log
    return statements


def share(part: int, whole: int) -> str:
    """Return how much of the whole the part is."""
    return "all" if part == whole else "some" if part else "no"


def leftovers(files: Path) -> list[str]:
    """Return the files that only a write in progress has."""
    return [path.name for path in files.rglob("*") if path.name.endswith(".tmp")]


def rejected(files: Path) -> list[dict[str, Any]]:
    """Return the rejects, without the id of the run."""
    lines = [
        line for path in sorted(files.glob("rejected/**/*.jsonl")) for line in path.read_text().splitlines()
    ]
    return [{key: value for key, value in json.loads(line).items() if key != "run_id"} for line in lines]


@pytest.mark.parametrize("day", [EVENTS, ORDERS], ids=lambda job: job.module, indirect=True)
async def test_after_kills_one_more_run_leaves_what_a_clean_load_leaves(
    project: Path, tmp_path: Path, day: Day, orders_site: Path, postgres_url: str
) -> None:
    """Bad input 62."""
    print(f"TORTURE_SEED={SEED}")
    draw, phases = random.Random(SEED), Counter[str]()
    files, rows_of = tmp_path / "files", ROWS.format_map(vars(day.job))
    load = Load(project, files, day, DB_POSTGRES_URL=postgres_url, PYTHONPATH=str(orders_site))
    connection = await asyncpg.connect(postgres_url)
    try:
        load.finish()
        clean, clean_rejects = await connection.fetchrow(rows_of), rejected(files)
        assert clean is not None
        assert (clean["n"], len(clean_rejects)) == (day.unique, day.expected["invalid"])
        await connection.execute(f"{SLOW_COMMIT.format_map(vars(day.job))}; TRUNCATE {day.job.table}")
        began = time.monotonic()
        load.finish()
        longest = time.monotonic() - began
        kills = 0
        while kills < KILLS:
            await connection.execute(f"TRUNCATE {day.job.table}")
            shutil.rmtree(files / "rejected")
            for _ in range(min(draw.randint(1, 3), KILLS - kills)):
                phases.update(await kill(load, draw, longest, connection))
                kills += 1
                rows = await connection.fetchval(f"SELECT count(*) FROM {day.job.table}")
                phases[f"{share(rows, day.unique)} rows"] += 1
                phases[f"{share(len(rejected(files)), len(clean_rejects))} rejects"] += 1
            load.finish()
            assert await connection.fetchrow(rows_of) == clean
            assert rejected(files) == clean_rejects
            assert leftovers(files) == []
            others = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            assert await connection.fetchval(others) == 0
        print(f"{KILLS} kills: {dict(phases)}")
        assert KILLS < 100 or set(phases) >= PHASES
    finally:
        await connection.close()


async def test_a_killed_load_on_the_embedded_server_is_completed_and_the_server_stops(
    project: Path, tmp_path: Path, embedded_dir: Path
) -> None:
    print(f"TORTURE_SEED={SEED}")
    draw = random.Random(SEED)
    day = Day.make(tmp_path / "day", lines=3000, files=4)
    load = Load(project, tmp_path / "files", day, PLATFORM_DB="embedded", DB_EMBEDDED_DIR=str(embedded_dir))
    for _ in range(max(2, KILLS // 10)):
        await kill(load, draw, longest=3.0)
    load.finish()
    assert load.finish().totals()["inserted"] == 0
    assert not (embedded_dir / "data" / "postmaster.pid").exists()
    assert leftovers(tmp_path / "files") == []
