"""The same date loaded by several processes at once: each ends well, and every event is stored once.

Two rounds are part of the normal suite; `make torture` does twenty. Bad input 63.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import asyncpg

from tests.torture.test_database_faults import EXPECTED, Load, ended

ROUNDS = int(os.environ.get("TORTURE_ROUNDS", "2"))


async def test_two_to_four_loads_of_a_date_at_once_store_every_event_once(
    project: Path, tmp_path: Path, postgres_url: str
) -> None:
    load = Load(project, tmp_path / "files", postgres_url)
    connection = await asyncpg.connect(postgres_url)
    try:
        for number in range(ROUNDS):
            processes = [load.start() for _ in range(2 + number % 3)]
            outcomes = [ended(process) for process in processes]
            assert [code for code, _, _ in outcomes] == [0] * len(processes), json.dumps(outcomes)
            inserted = sorted(sums["inserted"] for _, sums, _ in outcomes)
            assert inserted == [0] * (len(processes) - 1) + [EXPECTED["unique"]]
            assert all(sums["duplicates"] == EXPECTED["duplicates"] for _, sums, _ in outcomes)
            rows = "SELECT count(*) AS n, count(DISTINCT dedup_key) AS keys FROM cleaned_events"
            assert dict(await connection.fetchrow(rows) or {}) == {
                "n": EXPECTED["unique"],
                "keys": EXPECTED["unique"],
            }
            await connection.execute("TRUNCATE cleaned_events")
    finally:
        await connection.close()
