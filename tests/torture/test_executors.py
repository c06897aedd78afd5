"""Workers, runs and schedulers that are killed: no item is lost, and no process is left.

A few kills are part of the normal suite; `make test-executors` does many, also on Dask.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from platform_cli import registry
from platform_interfaces import ExecutorError, ExecutorInterface, PlatformContext
from platform_interfaces.execution._suite_work import (
    SuiteContext,
    await_marks,
    count_marks,
    double,
    name_victim,
    wait_for_ever,
)
from platform_memory import MemoryLogger, MemorySecrets

KILLS = int(os.environ.get("TORTURE_KILLS", "3"))
SEED = int(os.environ.get("TORTURE_SEED", str(random.SystemRandom().randrange(2**32))))
EXECUTORS = ["processes", *(["dask"] if "TORTURE_KILLS" in os.environ else [])]
RUN = """
import asyncio, sys
from pathlib import Path
from platform_interfaces.execution._suite_work import wait_for_ever
from tests.torture.test_executors import prepare

async def main():
    async with prepare(sys.argv[1], Path(sys.argv[2])) as executor:
        async for _ in executor.map_unordered(wait_for_ever, range(9), max_in_flight=3):
            pass

if __name__ == "__main__":
    asyncio.run(main())
"""


def prepare(name: str, folder: Path, **settings: str) -> ExecutorInterface:
    executor: ExecutorInterface = registry.load("executor", name)(MemorySecrets(settings))
    context = PlatformContext(config={"folder": folder})
    executor.prepare(context, SuiteContext(str(folder)), log=MemoryLogger(), workers=2)
    return executor


@pytest.mark.parametrize("name", EXECUTORS)
async def test_workers_that_are_killed_at_random_times_lose_no_item(name: str, tmp_path: Path) -> None:
    draw, killed, found = random.Random(SEED), list[int](), list[Any]()
    victim, hits = tmp_path / "victim", Counter[int]()

    def items() -> Iterator[int]:
        number = 0
        while len(killed) < KILLS or number % 10:
            yield number
            number += 1

    async def kill() -> None:
        while len(killed) < KILLS:
            await asyncio.sleep(draw.uniform(0.05, 0.3))
            process, number = map(int, victim.read_text().split()) if victim.exists() else (0, 0)
            if process and process not in killed and hits[number] < 2:  # a third one gives the item up
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                killed.append(process)
                hits[number] += 1

    async with prepare(name, tmp_path) as executor:
        killing = asyncio.create_task(kill())
        async for outcome in executor.map_unordered(name_victim, items(), max_in_flight=4):
            found.append(outcome)
        await killing
    print(f"{name}: {len(killed)} workers killed, {len(found)} items, TORTURE_SEED={SEED}")
    assert sorted((each.item, each.result, each.error) for each in found) == [
        (number, 2 * number, None) for number in range(len(found))
    ]


@pytest.mark.parametrize("name", EXECUTORS)
async def test_a_run_that_is_killed_leaves_no_process(name: str, tmp_path: Path) -> None:
    draw, program = random.Random(SEED), tmp_path / "program.py"
    program.write_text(RUN)
    root = str(Path(__file__).parents[2])
    for number in range(max(1, KILLS // 6)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with subprocess.Popen(
            [sys.executable, program, name, folder],
            env={**os.environ, "PYTHONPATH": root},
            stderr=subprocess.DEVNULL,
        ) as run:
            try:
                await await_marks(folder, "begun", 1)
                await asyncio.sleep(draw.uniform(0, 0.3))
                processes = psutil.Process(run.pid).children(recursive=True)
            finally:
                run.kill()
        assert processes
        _, alive = await asyncio.to_thread(psutil.wait_procs, processes, 20)
        assert not alive
        count = count_marks(folder, "beat")
        assert count_marks(folder, "beat") == count


@pytest.mark.skipif("dask" not in EXECUTORS, reason="make test-executors does it: it takes long")
async def test_a_scheduler_that_is_killed_ends_all_calls_with_a_clear_error(tmp_path: Path) -> None:
    host = ("--host", "127.0.0.1", "--no-dashboard")
    file = tmp_path / "scheduler.json"
    dask = (sys.executable, "-m", "distributed.cli.dask_scheduler", *host, "--scheduler-file", file)
    with subprocess.Popen([*dask, "--port", "0"], stderr=subprocess.DEVNULL) as scheduler:
        worker = (sys.executable, "-m", "distributed.cli.dask_worker", *host, "--scheduler-file", file)
        with subprocess.Popen([*worker, "--nthreads", "1"], stderr=subprocess.DEVNULL) as other:
            try:
                await _lose_scheduler(scheduler, file, tmp_path)
            finally:
                scheduler.kill()
                other.terminate()


async def _lose_scheduler(scheduler: subprocess.Popen[bytes], file: Path, folder: Path) -> None:
    import json

    while not file.exists():
        await asyncio.sleep(0.05)
    address = json.loads(file.read_text())["address"]
    async with prepare("dask", folder, DASK_ADDRESS=address) as executor:
        outcomes = executor.map_unordered(double, range(6), max_in_flight=3)
        assert sorted([each.result or 0 async for each in outcomes]) == [0, 2, 4, 6, 8, 10]
        waiting = asyncio.ensure_future(
            anext(executor.map_unordered(wait_for_ever, range(3), max_in_flight=3))
        )
        await await_marks(folder, "begun", 1)
        scheduler.kill()
        with pytest.raises(ExecutorError, match="the Dask scheduler was lost"):
            await waiting
        with pytest.raises(ExecutorError, match="the Dask scheduler was lost"):
            await anext(executor.map_unordered(double, [1], max_in_flight=1))
