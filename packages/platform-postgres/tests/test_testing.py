import sys

import pytest

from platform_interfaces import ConfigurationError
from platform_postgres.testing import open_server


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DB_POSTGRES_URL", "POSTGRES_TEST_IMAGE"):
        monkeypatch.delenv(name, raising=False)


def test_a_server_that_runs_wins_over_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_POSTGRES_URL", "postgresql://here/db")
    monkeypatch.setenv("POSTGRES_TEST_IMAGE", "postgres:18")
    with open_server() as url:
        assert url == "postgresql://here/db"


def test_a_container_without_its_extra_is_answered_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POSTGRES_TEST_IMAGE", "postgres:18")
    monkeypatch.setitem(sys.modules, "testcontainers", None)
    hint = r"pip install 'platform-postgres\[containers\]'"
    with pytest.raises(ConfigurationError, match=hint), open_server():
        pass
