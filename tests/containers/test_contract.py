"""The contract of databases, on a PostgreSQL that Testcontainers has started."""

from __future__ import annotations

import pytest

from platform_interfaces.testing import DatabaseContract
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase


class TestPostgresInAContainer(DatabaseContract):
    is_shared = True

    @pytest.fixture
    def database(self, postgres_url: str) -> PostgresDatabase:
        return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": postgres_url}))

    @pytest.fixture
    def unreachable_database(self) -> PostgresDatabase:
        return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": "postgresql://u@127.0.0.1:1/x"}))
