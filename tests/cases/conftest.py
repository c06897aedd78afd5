"""The job on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import platform_migrate
from platform_interfaces import DatabaseInterface
from platform_memory import MemoryDatabase, MemorySecrets
from platform_postgres import PostgresDatabase
from tests.helpers.event_job import EventJob


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.server)])
def database(request: pytest.FixtureRequest) -> DatabaseInterface:
    """Return an empty database, not yet connected."""
    if request.param == "memory":
        return MemoryDatabase()
    return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": request.getfixturevalue("postgres_url")}))


@pytest.fixture
async def job(database: DatabaseInterface) -> AsyncIterator[EventJob]:
    async with database:
        await platform_migrate.up(database)
        yield EventJob(database)
