"""``platform query`` on PostgreSQL, as a process: what is written, what is refused, and how it ends."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from tests.helpers.command import Platform

VALUES = """
    SELECT 0.10::numeric AS price, 'NaN'::numeric AS nan, 'Infinity'::float8 AS high,
        '{1,NULL}'::int[] AS many, ROW(1, now() - now()) AS pair, part, int4range(1, 5) AS span,
        tstzrange('2026-01-15 10:00+02', NULL) AS since, 'empty'::int4range AS never,
        '10.0.0.1/8'::inet AS net, '' AS empty, NULL AS nothing,
        E'a\\n"b",\\\\.' AS text, '\\xff00'::bytea AS bytes,
        '{"n": 1.10}'::jsonb AS doc, timestamptz '2026-01-15 10:00+02' AS at,
        interval '-1 day -1.5 seconds' AS wait, time '10:00' AS clock,
        1e400::numeric AS huge, -1e400::numeric AS low, '-Infinity'::numeric AS lowest,
        B'101' AS bits, '(1,2)'::point AS point, '((0,0),(1,1))'::polygon AS area
    FROM (SELECT 1 AS n, bytea '\\x00' AS b) AS part
"""


@pytest_asyncio.fixture
async def db(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": postgres_url})) as db:
        yield db


@pytest.fixture
def arguments(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    """Return the start of a command line of a process that asks the database of this test."""
    monkeypatch.setenv("DB_POSTGRES_URL", postgres_url)
    return [Path(sys.executable).with_name("platform"), "query", "--db", "postgres"]


def test_values_are_exact(platform: Platform, postgres_url: str) -> None:
    done = platform("query", VALUES, "--json", "--db", "postgres", DB_POSTGRES_URL=postgres_url)
    [row] = json.loads(done.out, parse_float=Decimal)
    assert done.code == 0
    assert row == {
        "price": Decimal("0.10"),
        "nan": "NaN",
        "high": "Infinity",
        "many": [1, None],
        "pair": [1, "P0DT0S"],
        "part": [1, "\\x00"],
        "span": "[1,5)",
        "since": "[2026-01-15T08:00:00+00:00,)",
        "never": "empty",
        "net": "10.0.0.1/8",
        "empty": "",
        "nothing": None,
        "text": 'a\n"b",\\.',
        "bytes": "\\xff00",
        "doc": {"n": Decimal("1.1")},
        "at": "2026-01-15T08:00:00+00:00",
        "wait": "P-1DT-1.5S",
        "clock": "10:00:00",
        "huge": Decimal("1e400"),
        "low": Decimal("-1e400"),
        "lowest": "-Infinity",
        "bits": "101",
        "point": [1, 2],
        "area": [[0, 0], [1, 1]],
    }


async def test_csv_is_what_postgresql_reads_back(
    arguments: list[str | Path], db: PostgresDatabase, embedded_dir: Path
) -> None:
    texts = "(ARRAY[NULL, '', E'\\\\.', E'a,\"b\"\\r\\n ü ', E'\\\\N'])[n % 5 + 1] AS t"
    await db.execute(
        f"CREATE TABLE one AS SELECT n, {texts}, n::numeric / 7 AS x, '\\xff'::bytea AS b,"
        " '-1.5 s'::interval AS i, jsonb_build_object('n', n) AS j, '2026-01-15 10:00+02'::timestamptz AS at"
        " FROM generate_series(1, 2500) AS numbers (n)"
    )
    await db.execute("CREATE TABLE two (LIKE one)")
    file = embedded_dir.parent / "rows.csv"
    with file.open("wb") as output:
        subprocess.run([*arguments, "TABLE one", "--csv"], stdout=output, check=True)
    assert await db.execute(f"COPY two FROM '{file}' (FORMAT csv, HEADER)") == 2500
    for difference in ("TABLE one EXCEPT ALL TABLE two", "TABLE two EXCEPT ALL TABLE one"):
        assert await db.fetch_all(difference) == []


async def test_only_with_write_is_anything_changed(
    platform: Platform, postgres_url: str, db: PostgresDatabase
) -> None:
    await db.execute("CREATE TABLE items (id INTEGER)")
    settings = {"DB_POSTGRES_URL": postgres_url, "PLATFORM_DB": "postgres"}
    insert = "INSERT INTO items SELECT generate_series(1, 3) RETURNING id"
    done = platform("query", insert, **settings)
    assert (done.code, done.out) == (1, "")
    refusal = (
        "error: cannot execute INSERT in a read-only transaction (SQLSTATE 25006): --write lets it change"
    )
    assert refusal in done.log
    assert await db.fetch_all("TABLE items") == []
    done = platform("query", insert, "--write", "--limit", "1", "--csv", **settings)
    assert (done.code, done.out) == (0, "id\n1\n")
    assert await db.fetch_one("SELECT count(*) AS n FROM items") == {"n": 3}
    assert platform("query", "DELETE FROM items", "--write", **settings).out == "3 rows changed\n"
    assert platform("query", "VACUUM items", "--write", **settings).out == "0 rows changed\n"


def test_an_error_has_line_and_column(platform: Platform, postgres_url: str) -> None:
    done = platform(
        "query",
        "\n SELECT 1,\n  nothing",
        "--db",
        "postgres",
        DB_POSTGRES_URL=postgres_url,
        LOG_LEVEL="DEBUG",
    )
    assert done.code == 1
    assert [line for line in done.log.splitlines() if " debug Settings " not in line] == [
        'error: line 2, column 3: column "nothing" does not exist (SQLSTATE 42703)'
    ]


@pytest.mark.parametrize("form", ["", "--csv", "--json"])
def test_a_closed_pipe_ends_it_quietly(arguments: list[str | Path], form: str) -> None:
    rows = "SELECT n FROM generate_series(1, 1000000) AS numbers (n)"
    with subprocess.Popen(
        [*arguments, rows, *form.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(5)
        process.stdout.close()
        log = process.stderr.read()
    assert (process.returncode, [line for line in log.splitlines() if " debug " not in line]) == (141, [])


async def test_a_closed_pipe_does_not_undo_what_was_to_be_written(
    arguments: list[str | Path], db: PostgresDatabase
) -> None:
    await db.execute("CREATE TABLE items (id INTEGER)")
    insert = "INSERT INTO items SELECT generate_series(1, 200000) RETURNING id"
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write) as closed:
        done = subprocess.run([*arguments, insert, "--write", "--csv"], stdout=closed, check=False)
    assert done.returncode == 141
    assert await db.fetch_one("SELECT count(*) AS n FROM items") == {"n": 200_000}


async def test_a_signal_cancels_the_statement_on_the_server(
    arguments: list[str | Path], db: PostgresDatabase
) -> None:
    active = "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%AS slept'"
    with subprocess.Popen([*arguments, "SELECT pg_sleep(600) AS slept"]) as process:
        async with asyncio.timeout(60):
            while await db.fetch_one(active) == {"n": 0}:
                await asyncio.sleep(0)
            process.send_signal(signal.SIGINT)
            while await db.fetch_one(active) != {"n": 0}:
                await asyncio.sleep(0)
    assert process.returncode == 130


async def test_memory_does_not_grow_with_the_rows(arguments: list[str | Path]) -> None:
    def measure(rows: int) -> int:
        """Return the most memory that the process had, in KiB."""
        query = f"SELECT n, md5(n::text) AS h FROM generate_series(1, {rows}) AS numbers (n)"
        process = subprocess.Popen([*arguments, query, "--csv"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss

    assert measure(200_000) - measure(10_000) < 8 * 1024
