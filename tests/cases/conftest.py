"""The job on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from platform_interfaces import DatabaseInterface
from platform_memory import MemoryDatabase, MemorySecrets
from platform_postgres import PostgresDatabase
from tests.helpers.event_job import EventJob
from tests.helpers.tables import make_tables


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.server)])
def database(request: pytest.FixtureRequest) -> DatabaseInterface:
    """Return an empty database, not yet connected."""
    if request.param == "memory":
        return MemoryDatabase()
    return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": request.getfixturevalue("postgres_url")}))


@pytest.fixture
async def job(database: DatabaseInterface) -> AsyncIterator[EventJob]:
    async with database:
        await make_tables(database)
        yield EventJob(database)
