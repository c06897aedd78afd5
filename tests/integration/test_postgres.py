"""The database contract on PostgreSQL over TCP with a password, or on the one DB_POSTGRES_URL names.

Each case has two values of each parameter: the tests of the package have all, over a socket.
"""

import pytest

from platform_interfaces.testing import DatabaseContract
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from tests.planted.subscriptions import with_few_values


class TestPostgresDatabase(with_few_values(DatabaseContract)):  # type: ignore[misc]
    is_shared = True

    @pytest.fixture
    def database(self, postgres_url: str) -> PostgresDatabase:
        return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": postgres_url}))

    @pytest.fixture
    def unreachable_database(self) -> PostgresDatabase:
        return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": "postgresql://u@127.0.0.1:1/x"}))
