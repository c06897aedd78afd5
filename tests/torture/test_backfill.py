"""Backfills that are killed, and what the same command makes of them: the table of single runs.

Five small dates are part of the normal suite; `make torture` does thirty, killed at
random times. The seed is
printed, and TORTURE_SEED repeats it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.helpers.command import Outcome
from tests.torture.load import EVENTS
from tools.make_events import make_day

DATES = int(os.environ.get("TORTURE_DATES", "5"))
LINES, PARALLEL, ROUNDS = (200, "2", 1) if DATES == 5 else (20_000, "3", 4)
SEED = int(os.environ.get("TORTURE_SEED", str(random.SystemRandom().randrange(2**32))))
FIRST = dt.date(2026, 1, 1)
LAST = FIRST + dt.timedelta(DATES - 1)
KILLS = 2
ROWS = f"""
    SELECT event_date::text AS date, count(*) AS n, md5(string_agg(md5(row({EVENTS.columns})::text), ''
    ORDER BY {EVENTS.key})) AS digest FROM {EVENTS.table} GROUP BY event_date ORDER BY event_date
"""
SUCCEEDED = "SELECT arguments->>'date' AS date FROM _runs WHERE status = 'succeeded'"


class Command:
    """The command on the files and the database of a test."""

    def __init__(self, project: Path, files: Path, url: str) -> None:
        ours = ("DB_", "FS_", "PLATFORM_", "LOG_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        settings = {"FS_LOCAL_ROOT": str(files), "PLATFORM_DB": "postgres", "DB_POSTGRES_URL": url}
        self._project, self._environment = project, {**environment, **settings, "PLATFORM_LOG": "json"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start it."""
        return subprocess.Popen(
            [Path(sys.executable).with_name("platform"), *words, "--source-path", EVENTS.source],
            cwd=self._project,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, *words: str) -> Outcome:
        """Run it to its end, which must be a success."""
        with self.start(*words) as process:
            out, log = process.communicate(timeout=600)
        assert process.returncode == 0, log + out
        return Outcome(process.returncode, out, log)

    def kill(self, after_dates: int, after_seconds: float, *words: str) -> None:
        """Start it, and kill it so long after so many dates have ended."""
        with self.start(*words) as process:
            assert process.stderr
            for line in process.stderr:
                after_dates -= '"Date succeeded"' in line
                if not after_dates:
                    time.sleep(after_seconds)
                    process.kill()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the files of all dates."""
    root = tmp_path_factory.mktemp("dates")
    for number in range(DATES):
        folder = root / EVENTS.source / str(FIRST + dt.timedelta(number))
        make_day(folder, lines=LINES, files=2, seed=number)
    return root


async def test_a_backfill_that_is_killed_and_resumed_leaves_the_table_of_single_runs(
    project: Path, files: Path, postgres_url: str
) -> None:
    print(f"TORTURE_SEED={SEED}")
    draw, command = random.Random(SEED), Command(project, files, postgres_url)
    words = ("backfill", EVENTS.module, "--from", str(FIRST), "--to", str(LAST), "--parallel", PARALLEL)
    for number in range(DATES):
        command.finish("run", EVENTS.module, "--date", str(FIRST + dt.timedelta(number)))
    connection = await asyncpg.connect(postgres_url)
    try:
        expected = [dict(row) for row in await connection.fetch(ROWS)]
        assert len(expected) == DATES
        for _ in range(ROUNDS):
            await connection.execute(f"TRUNCATE {EVENTS.table}, _runs")
            for _ in range(KILLS):
                dates, seconds = draw.randint(1, max(1, DATES // 4)), draw.uniform(0, LINES / 40_000)
                await asyncio.to_thread(command.kill, dates, seconds, *words)
            done = {row["date"] for row in await connection.fetch(SUCCEEDED)}
            result = json.loads(command.finish(*words, "--json").out)
            assert [dict(row) for row in await connection.fetch(ROWS)] == expected
            assert dates_of(result, "not_due") >= done
            assert dates_of(result, "succeeded") | dates_of(result, "not_due") == {
                e["date"] for e in expected
            }
            print(f"{len(done)} of {DATES} dates were done when it was killed twice: {result['totals']}")
        again = json.loads(command.finish(*words, "--json").out)
        assert again["totals"]["not_due"] == DATES
        assert await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    finally:
        await connection.close()


def dates_of(result: dict[str, Any], status: str) -> set[str]:
    """Return the dates that have a status."""
    return {each["date"] for each in result["dates"] if each["status"] == status}
