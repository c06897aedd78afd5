"""``platform doctor`` on PostgreSQL: each failure as it is met at work."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import pytest

from platform_cli.__main__ import main
from tests.conftest import PASSWORD

Doctor = Callable[..., tuple[int, dict[str, dict[str, Any]]]]
Sql = Callable[..., object]
ARGUMENTS = ("batch_etl", "--date", "2026-01-15", "--source-path", "raw/events")


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a day of data, and choose the database of the test."""
    root = tmp_path / "lake"
    day = root / "raw/events/2026-01-15"
    day.mkdir(parents=True)
    (day / "a.jsonl").write_text('{"event_type": "click", "payload": {}, "source": "web"}\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DB_POSTGRES_URL", postgres_url)
    monkeypatch.setenv("PLATFORM_DB", "postgres")
    monkeypatch.setenv("FS_LOCAL_ROOT", str(root))
    return root


@pytest.fixture
def doctor(capfd: pytest.CaptureFixture[str]) -> Doctor:
    """Examines, and returns the exit code and the checks by their names."""

    def doctor(*words: str) -> tuple[int, dict[str, dict[str, Any]]]:
        capfd.readouterr()
        code = main(["doctor", *words, "--json"])
        out, err = capfd.readouterr()
        assert err == ""
        assert PASSWORD not in out
        return code, {each["name"]: each for each in json.loads(out)["checks"]}

    return doctor


@pytest.fixture
def sql(postgres_url: str) -> Sql:
    """Executes statements on the database as its owner, and returns the value of the last one."""

    async def execute(statements: tuple[str, ...]) -> object:
        connection = await asyncpg.connect(postgres_url)
        try:
            for statement in statements[:-1]:
                sql(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return lambda *statements: asyncio.run(execute(statements))


def failed(checks: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, each in checks.items() if each["status"] == "failed"]


def with_user(url: str, user: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(
        parts._replace(netloc=f"{user}:{quote(PASSWORD, safe='')}@{parts.netloc.rpartition('@')[2]}")
    )


def test_a_set_up_that_works_is_well(doctor: Doctor, lake: Path) -> None:
    code, checks = doctor(*ARGUMENTS)
    assert (code, failed(checks)) == (0, [])
    assert checks["migrations"]["found"].startswith("5 pending: ")
    assert main(["migrate", "up"]) == 0
    code, checks = doctor(*ARGUMENTS)
    assert {each["status"] for each in checks.values()} == {"ok"}
    assert sorted(path.name for path in lake.rglob("*") if path.is_file()) == ["a.jsonl"]


def test_nothing_is_left_in_the_database(doctor: Doctor, sql: Sql) -> None:
    doctor(*ARGUMENTS)
    count = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert sql(count) == 0


def test_a_stopped_server_is_one_failure(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DB_POSTGRES_URL", f"postgresql://app@127.0.0.1:{free.getsockname()[1]}/x")
        code, checks = doctor(*ARGUMENTS)
    assert (code, failed(checks)) == (1, ["database"])
    assert "connection refused" in checks["database"]["found"]
    assert checks["database"]["remedy"] == "start the server, or correct DB_POSTGRES_URL in the environment"
    assert checks["input and target"]["found"] == "the database is not reachable"


def test_a_wrong_password_is_not_shown(
    doctor: Doctor, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POSTGRES_URL", postgres_url.replace(quote(PASSWORD, safe=""), "wrong-hunter2"))
    code, checks = doctor()
    assert (code, failed(checks)) == (1, ["database"])
    assert "password authentication failed" in checks["database"]["found"]
    assert "wrong-hunter2" not in json.dumps(checks)
    assert checks["database"]["remedy"] == "correct DB_POSTGRES_URL in the environment"


def test_another_encoding_is_a_failure(
    doctor: Doctor,
    sql: Sql,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = f"{urlsplit(postgres_url).path.lstrip('/')}_ascii"
    sql(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
    monkeypatch.setenv("DB_POSTGRES_URL", urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}")))
    code, checks = doctor()
    sql(f"DROP DATABASE {name}")
    assert (code, failed(checks)) == (1, ["database"])
    assert "'SQL_ASCII'" in checks["database"]["found"]
    assert "create it with UTF8" in checks["database"]["found"]


def test_the_grants_that_a_role_lacks_are_named(
    doctor: Doctor,
    sql: Sql,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["migrate", "up", "--module", "platform"]) == 0
    role = f"reader_{urlsplit(postgres_url).path[-12:]}"
    database = urlsplit(postgres_url).path.lstrip("/")
    sql(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    sql(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    monkeypatch.setenv("DB_POSTGRES_URL", with_user(postgres_url, role))
    try:
        code, checks = doctor(*ARGUMENTS)
        _, others = doctor("--no-auto-migrate")
        sql(f"REVOKE ALL ON _runs FROM {role}")
        _, blind = doctor()
    finally:
        sql(f"DROP OWNED BY {role}")
        sql(f"DROP ROLE {role}")
    assert code == 1
    assert failed(checks) == ["new tables", "temporary tables", "_migrations", "input and target"]
    assert checks["new tables"]["remedy"] == f"GRANT CREATE ON SCHEMA public TO {role}"
    assert checks["temporary tables"]["remedy"] == f"GRANT TEMPORARY ON DATABASE {database} TO {role}"
    assert checks["_migrations"]["remedy"] == f"GRANT SELECT, INSERT ON _migrations TO {role}"
    assert checks["_runs"]["status"] == "warning"
    assert "GRANT INSERT ON cleaned_events to this role" in checks["input and target"]["found"]
    assert failed(others) == ["temporary tables"]
    assert blind["_runs"]["remedy"] == f"GRANT SELECT, INSERT ON _runs TO {role}"


def test_a_server_that_takes_no_writes_is_a_failure(
    doctor: Doctor, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["migrate", "up", "--module", "platform"]) == 0
    options = "?options=-cdefault_transaction_read_only%3Don"
    monkeypatch.setenv("DB_POSTGRES_URL", postgres_url + options)
    code, checks = doctor()
    assert code == 1
    assert failed(checks) == ["new tables", "temporary tables", "_migrations", "_runs"]
    assert checks["_runs"]["remedy"].startswith("connect to the primary server")


def test_a_changed_migration_and_one_that_is_pending_are_failures(doctor: Doctor, sql: Sql) -> None:
    code, checks = doctor("--no-auto-migrate", "--env", "local")
    assert (code, failed(checks)) == (1, ["migrations"])
    assert checks["migrations"]["remedy"] == "platform migrate up --env local"
    assert main(["migrate", "up", "--module", "platform"]) == 0
    sql("UPDATE _migrations SET checksum = 'v1:0' WHERE name LIKE '002%'")
    sql("UPDATE _migrations SET checksum = left(checksum, -1) || '?' WHERE name LIKE '003%'")
    code, checks = doctor()
    assert (code, failed(checks)) == (1, ["migrations"])
    assert "003_create_cleaned_events_table is changed" in checks["migrations"]["found"]
    assert (
        "'platform migrate mark 003_create_cleaned_events_table --applied'" in checks["migrations"]["remedy"]
    )


def test_a_target_without_its_key_is_a_failure(doctor: Doctor, sql: Sql) -> None:
    assert main(["migrate", "up"]) == 0
    sql("ALTER TABLE cleaned_events DROP COLUMN dedup_key")
    code, checks = doctor(*ARGUMENTS)
    assert (code, failed(checks)) == (1, ["input and target"])
    assert "dedup_key" in checks["input and target"]["found"]


def test_a_date_without_data_is_a_failure_where_a_run_would_fail(doctor: Doctor) -> None:
    code, checks = doctor(*ARGUMENTS[:2], "2026-01-16", *ARGUMENTS[3:], "--no-allow-empty")
    assert (code, failed(checks)) == (1, ["input and target"])
    assert "2026-01-16" in checks["input and target"]["found"]
