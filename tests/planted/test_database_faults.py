"""Each database with a planted fault fails the cases of the shipped suite that are named for it."""

from __future__ import annotations

from typing import Any

import pytest

from platform_interfaces import DatabaseInterface
from platform_interfaces.testing import DatabaseContract
from platform_memory import MemoryDatabase, MemorySecrets
from platform_postgres import PostgresDatabase, _sessions
from tests.planted import databases  # noqa: F401 - registers the faults
from tests.planted.subscriptions import subscribe

POOL = "3"
NOWHERE = "postgresql://user@127.0.0.1:1/none"


@pytest.fixture(autouse=True)
def close_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for a pool whose connections a fault has taken."""
    monkeypatch.setattr(_sessions, "CLOSE_TIMEOUT_SECONDS", 0.2)


class SmallPoolContract(DatabaseContract):
    """The suite for a pool that is soon exhausted, with waits that are soon over."""

    connections = int(POOL)

    @pytest.fixture
    def unreachable_database(self, request: pytest.FixtureRequest) -> DatabaseInterface:
        adapter: type[Any] = type(request.getfixturevalue("database"))
        database: DatabaseInterface = adapter(MemorySecrets({"DB_POSTGRES_URL": NOWHERE}))
        return database


def _make(adapter: type[Any]) -> Any:
    return adapter()


def _make_with_url(adapter: type[Any], postgres_url: str) -> Any:
    limits = {
        "DB_POSTGRES_POOL_MAX": POOL,
        "DB_POSTGRES_CONNECT_TIMEOUT": "3",
        "DB_POSTGRES_STATEMENT_TIMEOUT": "3000",
    }
    return adapter(MemorySecrets({"DB_POSTGRES_URL": postgres_url, **limits}))


globals().update(subscribe(DatabaseContract, DatabaseInterface, MemoryDatabase, _make, "database"))
globals().update(
    subscribe(SmallPoolContract, DatabaseInterface, PostgresDatabase, _make_with_url, "database")
)
