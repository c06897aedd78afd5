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
async def db(request: pytest.FixtureRequest) -> AsyncIterator[DatabaseInterface]:
    """An empty database, connected; each test runs on both kinds."""
    database: DatabaseInterface
    if request.param == "memory":
        database = MemoryDatabase()
    else:
        url = request.getfixturevalue("postgres_url")
        database = PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url}))
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
