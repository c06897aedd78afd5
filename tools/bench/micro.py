"""The calls of PostgresDatabase against plain asyncpg: python -m tools.bench.micro URL ROUNDS.

It prints a JSON object: by name the two median times in seconds, ours first. The plain side is as lean as
asyncpg has it: ``fetch`` gives its own records, COPY takes tuples that were made before.
"""

import asyncio
import datetime as dt
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any, TypeAlias

import asyncpg

from platform_cli.secrets import EnvSecrets, Layer
from platform_postgres import PostgresDatabase

ROWS, STATEMENTS = 100_000, 2_000
SETUP = """
    CREATE TABLE plain (
        id BIGINT PRIMARY KEY, kind TEXT, source TEXT, day DATE, created_at TIMESTAMPTZ, amount FLOAT8
    );
    CREATE TABLE target (LIKE plain INCLUDING ALL);
    CREATE TABLE json (id BIGINT PRIMARY KEY, payload JSONB);
    INSERT INTO json
        SELECT n, jsonb_build_object('user', 'u' || n, 'at', jsonb_build_array(n, 2), 'note', 'x')
        FROM generate_series(1, 100000) AS n;
"""
ALL, ALL_JSON = "SELECT * FROM plain", "SELECT * FROM json"
ONE = "SELECT * FROM plain WHERE id = $1"

Step = Callable[[], Awaitable[object]]
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


def make_rows() -> list[dict[str, Any]]:
    """Return rows for the table ``plain``."""
    day, created_at = dt.date(2026, 1, 15), dt.datetime(2026, 1, 15, tzinfo=dt.UTC)
    return [
        {"id": n, "kind": "click", "source": f"web{n}", "day": day, "created_at": created_at, "amount": n / 4}
        for n in range(ROWS)
    ]


class Ours:
    """The steps by the interface."""

    def __init__(self, db: PostgresDatabase, rows: list[dict[str, Any]]) -> None:
        self._db, self._rows = db, rows

    def steps(self) -> dict[str, Step]:
        """Return the steps by name."""
        return {
            "fetch_all": lambda: self._db.fetch_all(ALL),
            "fetch_all of JSON": lambda: self._db.fetch_all(ALL_JSON),
            "stream": self._stream,
            "execute": self._execute,
            "bulk_insert": lambda: self._db.bulk_insert("target", self._rows),
            "bulk_insert, skipping": lambda: self._db.bulk_insert(
                "target", self._rows, skip_conflicts_on=["id"]
            ),
        }

    async def _stream(self) -> None:
        async for _ in self._db.stream(ALL):
            pass

    async def _execute(self) -> None:
        for number in range(STATEMENTS):
            await self._db.execute(ONE, [number])


class Plain:
    """The same steps by asyncpg."""

    def __init__(self, pool: Pool, rows: list[dict[str, Any]]) -> None:
        self._pool, self._names = pool, list(rows[0])
        self._records = [tuple(row.values()) for row in rows]

    def steps(self) -> dict[str, Step]:
        """Return the steps by name."""
        return {
            "fetch_all": lambda: self._pool.fetch(ALL),
            "fetch_all of JSON": lambda: self._pool.fetch(ALL_JSON),
            "stream": self._stream,
            "execute": self._execute,
            "bulk_insert": self._copy,
            "bulk_insert, skipping": self._copy_new,
        }

    async def _stream(self) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            async for _ in connection.cursor(ALL, prefetch=1000):
                pass

    async def _execute(self) -> None:
        for number in range(STATEMENTS):
            await self._pool.execute(ONE, number)

    async def _copy(self) -> None:
        await self._pool.copy_records_to_table("target", records=self._records, columns=self._names)

    async def _copy_new(self) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("CREATE TEMP TABLE staging (LIKE target) ON COMMIT DROP")
            await connection.copy_records_to_table("staging", records=self._records, columns=self._names)
            await connection.execute(
                "INSERT INTO target SELECT * FROM staging ORDER BY id ON CONFLICT (id) DO NOTHING"
            )


async def compare(url: str, rounds: int) -> dict[str, list[float]]:
    """Return the median times of each of our steps and of asyncpg's, which take turns."""
    rows = make_rows()
    db = PostgresDatabase(EnvSecrets([Layer("the bench", {"DB_POSTGRES_URL": url})]))
    await db.connect()
    try:
        async with asyncpg.create_pool(url, min_size=2, init=_use_json) as pool:
            await pool.execute(SETUP)
            await db.bulk_insert("plain", rows)
            sides = Ours(db, rows).steps(), Plain(pool, rows).steps()
            return {name: await _medians(pool, [steps[name] for steps in sides], rounds) for name in sides[0]}
    finally:
        await db.disconnect()


async def _medians(pool: Pool, steps: list[Step], rounds: int) -> list[float]:
    seconds: list[list[float]] = [[], []]
    for _ in range(rounds):
        for step, found in zip(steps, seconds, strict=True):
            await pool.execute("TRUNCATE target")
            await pool.execute("CHECKPOINT")
            gc.collect()
            start = time.perf_counter()
            await step()
            found.append(time.perf_counter() - start)
    return [median(found) for found in seconds]


async def _use_json(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(compare(sys.argv[1], int(sys.argv[2])))))
