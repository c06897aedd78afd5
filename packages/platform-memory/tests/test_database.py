import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from platform_interfaces import ConnectionLostError, DatabaseError, QueryError
from platform_interfaces.testing import DatabaseContract
from platform_memory import MemoryDatabase


class TestMemoryDatabase(DatabaseContract):
    is_shared = False

    @pytest.fixture
    def database(self) -> MemoryDatabase:
        return MemoryDatabase()


@pytest_asyncio.fixture
async def db() -> AsyncIterator[MemoryDatabase]:
    async with MemoryDatabase() as database:
        yield database


async def test_data_survives_a_disconnect(db: MemoryDatabase) -> None:
    await db.execute("CREATE TABLE kept (id INT)")
    await db.execute("INSERT INTO kept VALUES (1)")
    await db.disconnect()
    await db.connect()
    assert await db.fetch_all("SELECT id FROM kept") == [{"id": 1}]


async def test_two_objects_are_two_databases(db: MemoryDatabase) -> None:
    await db.execute("CREATE TABLE mine (id INT)")
    async with MemoryDatabase() as other:
        with pytest.raises(QueryError):
            await other.execute("SELECT * FROM mine")


async def test_disconnect_rolls_back_what_is_open(db: MemoryDatabase) -> None:
    await db.execute("CREATE TABLE t (id INT)")
    with pytest.raises(ConnectionLostError, match="disconnected"):
        async with db.transaction():
            await db.execute("INSERT INTO t VALUES (1)")
            await db.disconnect()
            await db.connect()
    assert await db.fetch_all("SELECT * FROM t") == []


async def test_disconnect_ends_a_stream(db: MemoryDatabase) -> None:
    rows = db.stream("SELECT * FROM generate_series(1, 100000)")
    await anext(rows)
    await db.disconnect()
    with pytest.raises(ConnectionLostError):
        async for _ in rows:
            pass


async def test_a_loop_that_waits_for_rows_lets_others_write_them(db: MemoryDatabase) -> None:
    await db.execute("CREATE TABLE t (id INT)")
    writer = asyncio.create_task(db.execute("INSERT INTO t VALUES (1)"))
    async with asyncio.timeout(30):
        while not await db.fetch_one("SELECT * FROM t"):
            pass
    assert await writer == 1


async def test_no_thread_is_started(db: MemoryDatabase) -> None:
    before = _threads()
    async with MemoryDatabase() as other:
        await other.execute("CREATE TABLE t AS SELECT generate_series AS n FROM generate_series(1, 1000000)")
        await other.fetch_one("SELECT COUNT(*) FROM t JOIN t AS u USING (n) GROUP BY u.n % 7 ORDER BY 1")
        assert _threads() <= before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{path}')",
        "SELECT * FROM read_text('{path}')",
        "SELECT * FROM '{path}'",
        "SELECT * FROM glob('/*')",
        "CREATE TABLE t AS SELECT * FROM read_blob('{path}')",
        "COPY (SELECT 1) TO '{path}.csv'",
        "ATTACH '{path}.db' AS other",
        "EXPORT DATABASE '{path}.export'",
        "INSTALL httpfs",
        "LOAD '{path}'",
        "SELECT * FROM read_csv('http://localhost/x.csv')",
    ],
)
async def test_sql_reaches_neither_files_nor_the_network(
    db: MemoryDatabase, tmp_path: Path, query: str
) -> None:
    file = tmp_path / "file"
    file.write_text("secret\n")
    with pytest.raises(QueryError):
        await db.execute(query.format(path=file))
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "setting", ["enable_external_access = true", "threads = 8", "TimeZone = 'Asia/Tokyo'"]
)
async def test_sql_cannot_change_how_the_database_is_set_up(db: MemoryDatabase, setting: str) -> None:
    with pytest.raises(DatabaseError, match="locked"):
        await db.execute(f"SET {setting}")


def test_the_other_implementations_do_not_import_duckdb() -> None:
    code = (
        "import sys; from platform_memory import MemoryFileSystem, MemoryLogger, MemorySecrets; "
        "sys.exit('duckdb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _threads() -> set[object]:
    """Return the native threads of this process where the system lists them, else Python's."""
    tasks = Path("/proc/self/task")
    return set(tasks.iterdir()) if tasks.exists() else set(threading.enumerate())
