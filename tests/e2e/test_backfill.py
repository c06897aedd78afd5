"""A backfill of the first module, on the server that it starts itself."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import Outcome, Platform
from tests.helpers.data_factory import events_to_jsonl, make_events, make_invalid_event

FIRST = dt.date(2026, 1, 1)
RANGE = ("backfill", "batch_etl", "--from", "2026-01-01", "--to", "2026-01-03", "--source-path", "raw")


@pytest.fixture
def days(tmp_path: Path) -> None:
    """Make two of three days: each has four events, of which one is bad."""
    for number in range(2):
        folder = tmp_path / "files" / "raw" / str(FIRST + dt.timedelta(number))
        folder.mkdir(parents=True)
        events = [*make_events(3, source=f"day {number}"), make_invalid_event()]
        (folder / "a.jsonl").write_bytes(events_to_jsonl(events))


def result_of(outcome: Outcome) -> dict[str, Any]:
    """Return the JSON object of a backfill."""
    result: dict[str, Any] = json.loads(outcome.out)
    return result


@pytest.mark.usefixtures("days")
def test_what_is_done_is_not_done_again_and_a_backfill_starts_its_server_once(
    platform: Platform, embedded_dir: Path, tmp_path: Path
) -> None:
    settings = {"PLATFORM_DB": "embedded", "DB_EMBEDDED_DIR": str(embedded_dir)}
    words = (*RANGE, "--no-allow-empty", "--json")
    first = platform(*words, "--parallel", "3", **settings)
    assert first.code == 1, first.log
    found = result_of(first)
    assert [each["status"] for each in found["dates"]] == ["succeeded", "succeeded", "failed"]
    assert found["dates"][2]["failure_kind"] == "no_input"
    assert (found["totals"]["inserted"], found["totals"]["rejected"]) == (6, 2)

    (tmp_path / "files" / "raw" / "2026-01-03").mkdir()
    (tmp_path / "files" / "raw" / "2026-01-03" / "a.jsonl").write_bytes(events_to_jsonl(make_events(2)))
    again = platform(*words, **settings)
    assert again.code == 0, again.log
    found = result_of(again)
    assert [each["status"] for each in found["dates"]] == ["not_due", "not_due", "succeeded"]
    assert found["totals"]["inserted"] == 2
    log = (embedded_dir / "server.log").read_text()
    assert log.count("database system is ready to accept connections") == 2
    assert not (embedded_dir / "data" / "postmaster.pid").exists()


@pytest.mark.usefixtures("days")
def test_a_date_whose_run_was_undone_is_run_again(platform: Platform, postgres_url: str) -> None:
    settings = {"PLATFORM_DB": "postgres", "DB_POSTGRES_URL": postgres_url}
    words = (*RANGE, "--json")
    [run, *_] = [
        each["run_id"] for each in result_of(platform(*words, "--parallel", "3", **settings))["dates"]
    ]
    undone = platform("runs", "undo", run, "--yes", **settings)
    assert undone.code == 0, undone.log
    again = result_of(platform(*words, **settings))
    assert [each["status"] for each in again["dates"]] == ["succeeded", "not_due", "succeeded"]
    assert again["dates"][2]["reason"].startswith("read nothing ")
    assert again["dates"][0]["reason"].startswith("was undone ")
    assert again["totals"]["inserted"] == 3
