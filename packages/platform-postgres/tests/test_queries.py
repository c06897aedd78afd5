"""Queries on PostgreSQL: what a statement that may only read tries, and what errors say."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from platform_interfaces import DatabaseError, DataError, QueryError, ReadOnlyError
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase

CREATE = """
    CREATE TABLE items (id INTEGER);
    INSERT INTO items VALUES (1);
    CREATE FUNCTION grow() RETURNS INTEGER LANGUAGE sql AS 'INSERT INTO items VALUES (2) RETURNING id';
    CREATE FUNCTION unlock() RETURNS INTEGER LANGUAGE plpgsql AS
        'BEGIN SET TRANSACTION READ WRITE; INSERT INTO items VALUES (2); RETURN 1; END';
    CREATE PROCEDURE leave(INOUT n INTEGER) LANGUAGE plpgsql AS
        'BEGIN COMMIT; INSERT INTO items VALUES (2); END';
    CREATE PROCEDURE unlock_first(INOUT n INTEGER) LANGUAGE plpgsql AS
        'BEGIN SET TRANSACTION READ WRITE; INSERT INTO items VALUES (2); END';
"""


@pytest_asyncio.fixture
async def db(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": postgres_url})) as db:
        await db.execute(CREATE)
        yield db


async def run(db: PostgresDatabase, query: str, *, is_read_only: bool = True) -> list[tuple[Any, ...]]:
    async with db.open_query(query, is_read_only=is_read_only) as result:
        return [row async for row in result.rows]


@pytest.mark.parametrize(
    "query",
    [
        "SET TRANSACTION READ WRITE",
        "SET default_transaction_read_only = off",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "ROLLBACK",
        "DO 'BEGIN COMMIT; INSERT INTO items VALUES (2); END'",
        "CALL leave(1)",
        "CALL unlock_first(1)",
        "SELECT grow()",
        "SELECT unlock()",
        "SELECT id FROM items FOR UPDATE",
        "PREPARE later AS INSERT INTO items VALUES (2)",
        "DECLARE later CURSOR WITH HOLD FOR SELECT 1",
        "SELECT 1 AS id INTO others",
        "MERGE INTO items USING (SELECT 1) AS x ON false WHEN NOT MATCHED THEN INSERT VALUES (2)",
        "LOCK TABLE items",
        "NOTIFY news",
        "LISTEN news",
        "REINDEX TABLE items",
        "VACUUM items",
        "CHECKPOINT",
        "SELECT lo_create(0)",
    ],
)
async def test_no_statement_gets_out_of_reading_only(db: PostgresDatabase, query: str) -> None:
    with pytest.raises(DatabaseError):
        await run(db, query)
    assert await db.fetch_all("SELECT id FROM items") == [{"id": 1}]
    assert await db.fetch_one("SHOW transaction_read_only") == {"transaction_read_only": "off"}


async def test_no_file_and_no_program_is_written_to(db: PostgresDatabase, embedded_dir: Path) -> None:
    file = embedded_dir.parent / "written"
    embedded_dir.parent.chmod(0o777)
    for target in (f"'{file}'", f"PROGRAM 'touch {file}'"):
        with pytest.raises(ReadOnlyError):
            await run(db, f"COPY items TO {target}")
    assert not file.exists()


async def test_settings_of_the_session_end_with_the_query(db: PostgresDatabase) -> None:
    await run(db, "SELECT set_config('search_path', 'pg_temp', false)")
    assert await run(db, "SELECT id FROM items") == [(1,)]


@pytest.mark.parametrize("query", ["SHOW server_version", "TABLE items", "VALUES (1)", "EXPLAIN TABLE items"])
async def test_whatever_returns_rows_is_a_query(db: PostgresDatabase, query: str) -> None:
    assert len(await run(db, query)) == 1


@pytest.mark.parametrize("is_read_only", [True, False])
@pytest.mark.parametrize(
    ("query", "position"),
    [
        ("SELECT id FROM no_such_table", 15),
        ("SELECT id,\n    'ünïcödé 日本', nothing\nFROM items", 29),
        ("SELEC 1", 0),
        ("SELECT 1 FROM", 13),
        ("SELECT 1 / 0", None),
    ],
)
async def test_an_error_has_the_position_that_the_server_reports(
    db: PostgresDatabase, query: str, position: int | None, is_read_only: bool
) -> None:
    with pytest.raises(DatabaseError) as caught:
        await run(db, query, is_read_only=is_read_only)
    assert caught.value.position == position


async def test_several_statements_are_named_as_the_error(db: PostgresDatabase) -> None:
    with pytest.raises(QueryError, match="several statements, of which none was run"):
        await run(db, "SELECT 1; SELECT 2")


async def test_what_refuses_a_transaction_may_be_run_by_itself(db: PostgresDatabase) -> None:
    assert await run(db, "VACUUM items", is_read_only=False) == []


@pytest.mark.parametrize("query", ["BEGIN", "START TRANSACTION READ ONLY"])
async def test_a_transaction_is_not_left_open(db: PostgresDatabase, query: str) -> None:
    with pytest.raises(QueryError, match="committed by itself"):
        await run(db, query, is_read_only=False)
    assert await run(db, "INSERT INTO items VALUES (2)", is_read_only=False) == []


@pytest.mark.parametrize("query", ["copy items from stdin", "COPY items (id) TO\n STDOUT (FORMAT csv)"])
async def test_a_copy_through_the_connection_is_refused(db: PostgresDatabase, query: str) -> None:
    with pytest.raises(QueryError, match="name a file"):
        await run(db, query, is_read_only=False)
    assert await run(db, "SELECT id FROM items") == [(1,)]


async def test_an_error_in_a_later_row_is_raised_where_it_is_read(db: PostgresDatabase) -> None:
    query = "SELECT 1 / (1500 - n) FROM generate_series(1, 2000) AS numbers (n)"
    with pytest.raises(DataError):
        async with db.open_query(query, is_read_only=True) as result:
            assert await anext(result.rows) == (0,)
            _ = [row async for row in result.rows]


async def test_a_cancelled_query_is_cancelled_on_the_server(db: PostgresDatabase) -> None:
    task = asyncio.create_task(run(db, "SELECT pg_sleep(600) AS slept"))
    active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%AS slept'"
    async with asyncio.timeout(60):
        while (await run(db, active))[0] == (0,):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while (await run(db, active))[0] != (0,):
            await asyncio.sleep(0)
