"""The ten acceptance criteria of the specification, tried with the command as a user calls it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.helpers.command import Platform
from tests.helpers.data_factory import Event, events_to_jsonl, make_events, make_invalid_event

Put = Callable[[str, list[Event]], None]

REPOSITORY = Path(__file__).parents[2]
LOAD = ("run", "batch_etl", "--date", "2026-01-15", "--source-path", "raw/events", "--log", "json")
ON_POSTGRES = ("--db", "postgres", "--fs", "local", "--env", "local")


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Puts a file of events where the command reads the day from."""

    def put(name: str, events: list[Event]) -> None:
        folder = tmp_path / "files" / "raw" / "events" / "2026-01-15"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(events_to_jsonl(events))

    return put


async def rows(url: str, query: str = "SELECT * FROM cleaned_events ORDER BY id") -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


def test_1_it_runs_with_memory_implementations(platform: Platform) -> None:
    done = platform("run", "batch_etl", "--db", "memory", "--fs", "memory", *LOAD[2:])
    assert done.code == 0
    assert "No raw data found" in done.log


async def test_2_it_runs_with_postgres_and_local_files(
    platform: Platform, put: Put, postgres_url: str
) -> None:
    put("a.jsonl", make_events(1200))
    done = platform(*LOAD, *ON_POSTGRES, DB_POSTGRES_URL=postgres_url)
    assert done.code == 0
    assert done.totals()["inserted"] == 1200
    assert sorted(json.loads(row["payload"])["id"] for row in await rows(postgres_url)) == list(range(1200))


async def test_3_migrations_work(platform: Platform, postgres_url: str) -> None:
    settings = {"DB_POSTGRES_URL": postgres_url}
    flags = ("--db", "postgres", "--env", "local")
    before = platform("migrate", "status", *flags, **settings)
    assert (before.code, before.out.splitlines()[-1]) == (0, "0 applied, 5 pending, 0 problems")
    assert platform("migrate", "up", *flags, **settings).code == 0
    after = platform("migrate", "status", *flags, **settings)
    assert after.out.splitlines()[-1] == "5 applied, 0 pending, 0 problems"
    tables = await rows(
        postgres_url, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    assert {row["table_name"] for row in tables} == {"_migrations", "_runs", "events", "cleaned_events"}
    assert platform("migrate", "down", "--count", "5", *flags, **settings).code == 0
    assert "5 pending" in platform("migrate", "status", *flags, **settings).out


NAMED = {
    "test-unit": """
        test_normalize_event_type test_ensure_payload_dict_from_string test_ensure_payload_dict_passthrough
        test_compute_dedup_key_deterministic test_compute_dedup_key_different
        test_transform_events_adds_fields test_validate_valid_event test_validate_missing_event_type
        test_validate_empty_event_type
        test_validate_missing_payload test_validate_missing_source test_validate_events_mixed
        test_run_success test_run_no_data test_run_dry_run test_run_deduplication test_run_idempotent
    """,
    "test-impl": """
        test_connect_disconnect test_execute_create_table test_fetch_one test_fetch_all
        test_fetch_one_no_results test_transaction_commit test_transaction_rollback test_bulk_insert
        test_health_check_connected
        test_health_check_disconnected test_parameterized_queries
        test_write_and_read test_write_creates_directories test_read_nonexistent test_list_files
        test_list_empty_prefix test_delete_existing test_delete_nonexistent test_exists test_overwrite
        test_path_traversal_blocked test_atomic_write test_health_check
    """,
}
"""What the specification asks for, by the target that runs it; all others run beside this test."""


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine")
@pytest.mark.parametrize(("number", "target"), [(4, "test-unit"), (5, "test-impl")])
def test_4_and_5_the_make_targets_run_the_tests_that_the_specification_names(
    number: int, target: str
) -> None:
    names = NAMED[target].split()
    environment = {**os.environ, "PYTEST_ADDOPTS": f"-k '{' or '.join(names)}'"}
    done = subprocess.run(
        ["make", target], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert [name for name in names if not re.search(rf"::{name}(\[.*\])? PASSED", done.stdout)] == []
    assert "skipped" not in done.stdout.splitlines()[-1]


async def tables(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    return [name for (name,) in found]


async def test_6_c1_a_dry_run_makes_no_table_and_counts_the_same(
    platform: Platform, put: Put, postgres_url: str
) -> None:
    put("a.jsonl", [*make_events(50), *make_events(20), make_invalid_event()])
    dry = platform(*LOAD, *ON_POSTGRES, "--dry-run", DB_POSTGRES_URL=postgres_url)
    assert dry.code == 0
    assert await tables(postgres_url) == []
    real = platform(*LOAD, *ON_POSTGRES, DB_POSTGRES_URL=postgres_url)
    counts = ("lines", "raw", "valid", "invalid", "invalid_by_reason", "duplicates", "unique")
    assert [dry.totals()[name] for name in counts] == [real.totals()[name] for name in counts]
    assert (dry.totals()["unique"], real.totals()["inserted"]) == (50, 50)


async def test_7_running_twice_adds_no_row(platform: Platform, put: Put, postgres_url: str) -> None:
    put("a.jsonl", [*make_events(100), *make_events(30)])
    put("b.jsonl", make_events(10))
    first = platform(*LOAD, *ON_POSTGRES, DB_POSTGRES_URL=postgres_url)
    before = await rows(postgres_url)
    second = platform(*LOAD, *ON_POSTGRES, DB_POSTGRES_URL=postgres_url)
    assert (first.code, second.code) == (0, 0)
    assert (first.totals()["inserted"], first.totals()["duplicates"]) == (100, 40)
    assert (second.totals()["inserted"], second.totals()["skipped"], second.totals()["duplicates"]) == (
        0,
        100,
        40,
    )
    assert await rows(postgres_url) == before


async def test_8_invalid_data_is_skipped_and_logged(platform: Platform, put: Put, postgres_url: str) -> None:
    reasons = {
        "missing_type": "missing_event_type",
        "malformed_payload": "malformed_payload",
        "missing_source": "missing_source",
    }
    put("a.jsonl", [*make_events(7), *(make_invalid_event(reason) for reason in reasons)])
    done = platform(*LOAD, *ON_POSTGRES, DB_POSTGRES_URL=postgres_url)
    assert done.code == 0
    assert len(await rows(postgres_url)) == 7
    logged = [event for event in done.events() if event["event"] == "Invalid line"]
    assert [(event["line"], event["reason"]) for event in logged] == [
        (8, "missing_event_type"),
        (9, "malformed_payload"),
        (10, "missing_source"),
    ]
    assert {event["file"] for event in logged} == {"raw/events/2026-01-15/a.jsonl"}
    assert done.totals()["invalid_by_reason"] == dict.fromkeys(sorted(reasons.values()), 1)


def test_9_help_shows_the_module_and_its_arguments(platform: Platform) -> None:
    done = platform("run", "batch_etl", "--help")
    manifest = json.loads((REPOSITORY / "modules/batch_etl/src/batch_etl/module.json").read_text())
    assert done.code == 0
    text = " ".join(done.out.split())
    assert manifest["description"] in text
    for argument in manifest["args"]:
        assert f"--{argument['name']}" in text
        assert argument["description"] in text


async def test_10_auto_migrate_applies_what_is_pending_first(
    platform: Platform, put: Put, postgres_url: str
) -> None:
    put("a.jsonl", make_events(3))
    settings = {"DB_POSTGRES_URL": postgres_url}
    refused = platform(*LOAD, "--env", "staging", "--db", "postgres", **settings)
    assert refused.code == 2
    assert "003_create_cleaned_events_table" in refused.log
    done = platform(*LOAD, "--env", "staging", "--db", "postgres", "--auto-migrate", **settings)
    assert done.code == 0
    assert len(await rows(postgres_url)) == 3
