"""Fixtures that give tests a real PostgreSQL; import them into a conftest. Needs the extra ``embedded``.

One server per test session, a database of its own for each test. Where ``DB_POSTGRES_URL`` is set, that
server is used instead of the embedded one; its role must be allowed to create databases.
"""

import os
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from platform_postgres.server import PostgresServer

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server for the whole session."""
    if url := os.environ.get("DB_POSTGRES_URL"):
        yield url
        return
    # What these tests prove does not depend on surviving a power cut; fsync would only make them slower.
    server = PostgresServer(tmp_path_factory.mktemp("postgres"), {"fsync": "off"})
    server.start()
    yield server.url()
    server.stop()


@pytest_asyncio.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """The URL of an empty database, dropped after the test."""
    name = f"test_{uuid4().hex}"
    await _administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE template0")
    yield urlunsplit(urlsplit(postgres_server)._replace(path=f"/{name}"))
    await _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
