"""The same date loaded by several processes at once: each ends well, and every row is stored once.

Two rounds are part of the normal suite; `make torture` does twenty. Bad input 63.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from tests.torture.load import EVENTS, ORDERS, Day, Load

ROUNDS = int(os.environ.get("TORTURE_ROUNDS", "2"))


@pytest.mark.parametrize("day", [EVENTS, ORDERS], ids=lambda job: job.module, indirect=True)
async def test_two_to_four_loads_of_a_date_at_once_store_every_row_once(
    project: Path, tmp_path: Path, day: Day, orders_site: Path, postgres_url: str
) -> None:
    load = Load(project, tmp_path / "files", day, DB_POSTGRES_URL=postgres_url, PYTHONPATH=str(orders_site))
    connection = await asyncpg.connect(postgres_url)
    try:
        for number in range(ROUNDS):
            processes = [load.start() for _ in range(2 + number % 3)]
            done = await asyncio.gather(*(asyncio.to_thread(load.finish, process) for process in processes))
            inserted = sorted(one.totals(day.job.title)["inserted"] for one in done)
            assert inserted == [0] * (len(processes) - 1) + [day.unique]
            rows = f"SELECT count(*) AS n, count(DISTINCT {day.job.key}) AS keys FROM {day.job.table}"
            assert dict(await connection.fetchrow(rows) or {}) == {"n": day.unique, "keys": day.unique}
            await connection.execute(f"TRUNCATE {day.job.table}")
    finally:
        await connection.close()
