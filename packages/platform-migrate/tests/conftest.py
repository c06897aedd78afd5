from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from platform_interfaces import DatabaseInterface
from platform_memory import MemoryDatabase, MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres.testing import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


def postgres(url: str, parameters: Mapping[str, str], *, pool: int = 4) -> PostgresDatabase:
    """Return a database on ``url``, whose ``parameters`` are settings of each session."""
    separator = "&" if "?" in url else "?"
    url += separator + "&".join(f"{name}={value}" for name, value in parameters.items())
    sizes = {"DB_POSTGRES_POOL_MIN": "1", "DB_POSTGRES_POOL_MAX": str(pool)}
    return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url.rstrip("?&"), **sizes}))


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.server)])
def database(request: pytest.FixtureRequest) -> DatabaseInterface:
    """Return an empty database, not yet connected; each test runs on both kinds."""
    if request.param == "memory":
        return MemoryDatabase()
    return postgres(request.getfixturevalue("postgres_url"), {})


@pytest.fixture
async def db(database: DatabaseInterface) -> AsyncIterator[DatabaseInterface]:
    async with database:
        yield database


@pytest.fixture
async def pg(postgres_url: str) -> AsyncIterator[DatabaseInterface]:
    """Yield PostgreSQL, with one connection in its pool: what a migration leaves on it, the next finds."""
    async with postgres(postgres_url, {}, pool=1) as database:
        yield database


@pytest.fixture
async def connect(postgres_url: str) -> AsyncIterator[Callable[..., Awaitable[DatabaseInterface]]]:
    """Open more clients of the same PostgreSQL; keyword arguments are settings of their sessions."""
    async with AsyncExitStack() as stack:

        async def connect(**parameters: str) -> DatabaseInterface:
            return await stack.enter_async_context(postgres(postgres_url, parameters))

        yield connect


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a migration file; its folder is ``tmp_path``."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def write_table(write: Callable[[str, str], Path]) -> Callable[..., Path]:
    """Write a migration that makes a table; ``then`` and ``undo`` end its two functions."""

    def write_table(name: str, table: str, *, top: str = "", then: str = "pass", undo: str = "pass") -> Path:
        create = f"await conn.execute('CREATE TABLE {table} (id BIGSERIAL PRIMARY KEY, name TEXT)')"
        drop = f"await conn.execute('DROP TABLE {table}')"
        up = f"async def up(conn):\n    {create}\n    {then}\n"
        return write(name, f"{top}\n{up}\nasync def down(conn):\n    {drop}\n    {undo}\n")

    return write_table


@pytest.fixture
def tables() -> Callable[[DatabaseInterface], Awaitable[set[str]]]:
    """Return the names of all tables in the current schema."""

    async def tables(db: DatabaseInterface) -> set[str]:
        rows = await db.fetch_all(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        )
        return {row["table_name"] for row in rows}

    return tables


@pytest.fixture
def until() -> Callable[[DatabaseInterface, str], Awaitable[dict[str, Any]]]:
    """Wait for a session of another client, with one of its locks, for which a condition holds."""

    async def until(db: DatabaseInterface, condition: str) -> dict[str, Any]:
        """Return a session, with one of its locks, once ``condition`` holds for one."""
        query = (
            "SELECT pid, (classid::bigint << 32) | objid::bigint AS key "
            "FROM pg_stat_activity LEFT JOIN pg_locks USING (pid) "
            f"WHERE pid <> pg_backend_pid() AND datname = current_database() AND {condition}"
        )
        while not (row := await db.fetch_one(query)):
            pass
        return row

    return until
