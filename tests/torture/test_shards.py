"""Loads in shards whose workers, or whose own process, are killed at random times.

Whatever dies, a load that ends with 0 has the account of one process, and one more run completes any other.
A few kills are part of the normal suite; `make torture` does several hundred. The seed is printed, and
TORTURE_SEED repeats it.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from tests.torture.load import EVENTS, Day, Load, wait_for
from tests.torture.test_kills import ROWS, leftovers, rejected

KILLS = int(os.environ.get("TORTURE_KILLS", "2"))
SEED = int(os.environ.get("TORTURE_SEED", str(random.SystemRandom().randrange(2**32))))
PAUSE_SECONDS, STOP_SECONDS = 0.02, 20.0


@dataclass
class Clean:
    """A load that is to be disturbed, and what it leaves when it is not."""

    load: Load
    files: Path
    connection: asyncpg.Connection[asyncpg.Record]
    rows: asyncpg.Record
    rejects: list[dict[str, object]]
    seconds: float

    async def empty(self) -> None:
        """Remove what loads have left."""
        await self.connection.execute(f"TRUNCATE {EVENTS.table}")
        shutil.rmtree(self.files / "rejected", ignore_errors=True)

    async def check(self) -> None:
        """Assert that all is as it was left by a load that was not disturbed, and nothing else is left."""
        assert await self.connection.fetchrow(ROWS.format_map(vars(EVENTS))) == self.rows
        assert rejected(self.files) == self.rejects
        assert leftovers(self.files) == []
        assert [path for path in self.files.rglob(".shards/**/*") if path.is_file()] == []


@pytest.fixture
async def clean(project: Path, tmp_path: Path, day: Day, postgres_url: str) -> AsyncIterator[Clean]:
    files = tmp_path / "files"
    load = Load(project, files, day, arguments=["--workers", "3"], DB_POSTGRES_URL=postgres_url)
    connection = await asyncpg.connect(postgres_url)
    try:
        began = time.monotonic()
        load.finish()
        seconds = time.monotonic() - began
        rows = await connection.fetchrow(ROWS.format_map(vars(EVENTS)))
        assert rows is not None
        yield Clean(load, files, connection, rows, rejected(files), seconds)
    finally:
        await connection.close()


def find_children(process: subprocess.Popen[str]) -> list[int]:
    """Return the ids of the workers of a load."""
    with suppress(OSError):
        return [
            int(each) for each in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        ]
    return []


def is_alive(number: int) -> bool:
    """Return whether a process runs; one that has ended, and is not waited for, does not."""
    with suppress(OSError):
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def wait_for_end(processes: set[int]) -> None:
    """Wait until none of the workers runs."""
    async with asyncio.timeout(STOP_SECONDS):
        while any(map(is_alive, processes)):
            await asyncio.sleep(PAUSE_SECONDS)


async def watch(process: subprocess.Popen[str], seconds: float) -> set[int]:
    """Wait until a load has had workers for so long, or has ended, and return all that were seen."""
    seen, began = set[int](), 0.0
    while process.poll() is None and (not seen or time.monotonic() < began + seconds):
        if not seen:
            began = time.monotonic()
        seen.update(find_children(process))
        await asyncio.sleep(PAUSE_SECONDS)
    return seen


async def kill_workers(
    process: subprocess.Popen[str], draw: random.Random, kills: int, longest: float
) -> set[int]:
    """Kill so many workers of a load, each at a random time, and return all workers that were seen."""
    seen = set[int]()
    for _ in range(kills):
        seen |= await watch(process, draw.uniform(0, longest))
        if children := find_children(process):
            with suppress(ProcessLookupError):
                os.kill(draw.choice(children), signal.SIGKILL)
    return seen


async def test_workers_that_are_killed_change_nothing(clean: Clean) -> None:
    print(f"TORTURE_SEED={SEED}")
    draw, codes, left = random.Random(SEED), Counter[int](), KILLS
    while left > 0:
        await clean.empty()
        kills = min(left, draw.randint(1, 3))
        process = clean.load.start()
        reading = asyncio.create_task(asyncio.to_thread(wait_for, process))
        seen = await kill_workers(process, draw, kills, clean.seconds / 2)
        done = await reading
        codes[done.code] += 1
        assert done.code in (0, 1), done.log
        if done.code == 0:
            totals = done.totals()
            assert totals["inserted"] == clean.rows["n"], done.log
            await clean.check()
        clean.load.finish()
        await clean.check()
        await wait_for_end(seen)
        left -= kills
    print(f"{KILLS} kills of workers: exit codes {dict(codes)}")


async def test_a_load_whose_process_is_killed_is_completed_by_the_next_beside_its_last_workers(
    clean: Clean,
) -> None:
    print(f"TORTURE_SEED={SEED}")
    draw, found = random.Random(SEED), Counter[str]()
    for _ in range(-(-KILLS // 2)):
        await clean.empty()
        process = clean.load.start()
        reading = asyncio.create_task(asyncio.to_thread(wait_for, process))
        seen = await watch(process, draw.uniform(0, clean.seconds / 2))
        process.kill()
        found["workers alive" if any(map(is_alive, seen)) else "no workers"] += 1
        found[
            "some rows" if await clean.connection.fetchval(f"SELECT count(*) FROM {EVENTS.table}") else ""
        ] += 1
        await asyncio.to_thread(clean.load.finish)
        await reading  # it ends with the last worker, which writes to the same log
        await wait_for_end(seen)
        await clean.check()
    print(f"kills of the process: {dict(found)}")
