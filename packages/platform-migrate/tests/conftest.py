from collections.abc import AsyncIterator, Callable
from pathlib import Path
from textwrap import dedent

import pytest

from platform_interfaces import DatabaseInterface
from platform_memory import MemoryDatabase, MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres.testing import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(params=["memory", "postgres"])
def database(request: pytest.FixtureRequest) -> DatabaseInterface:
    """An empty database, not yet connected; each test runs on both kinds."""
    if request.param == "memory":
        return MemoryDatabase()
    return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": request.getfixturevalue("postgres_url")}))


@pytest.fixture
async def db(database: DatabaseInterface) -> AsyncIterator[DatabaseInterface]:
    async with database:
        yield database


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a migration file; its folder is ``tmp_path``."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write
