"""Rejected lines are kept, can be looked at, and can be loaded once their cause is mended."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.helpers.command import Platform
from tests.helpers.data_factory import events_to_jsonl, make_event, make_events, make_invalid_event

DAY = ("--date", "2026-01-15", "--source-path", "raw/events", "--log", "json")
FILE = "raw/events/2026-01-15/a.jsonl"


def test_rejects_are_listed_shown_retried_and_dropped(
    platform: Platform, postgres_url: str, tmp_path: Path
) -> None:
    source = tmp_path / "files" / FILE
    kept = (tmp_path / "files" / "rejected" / FILE).with_name("rejects.jsonl")
    source.parent.mkdir(parents=True)
    bad = [make_invalid_event("missing_source"), make_invalid_event("empty_type")]
    source.write_bytes(events_to_jsonl([*make_events(3), *bad]) + b"caf\xe9\n")
    settings = {"PLATFORM_DB": "postgres", "DB_POSTGRES_URL": postgres_url}

    assert "nothing is rejected" in platform("rejects", "list").out
    loaded = platform("run", "batch_etl", *DAY, **settings)
    assert (loaded.code, loaded.totals()["inserted"], loaded.totals()["invalid"]) == (0, 3, 3)
    folders = [folder for folder in kept.parents if folder.is_relative_to(tmp_path / "files" / "rejected")]
    assert [path.stat().st_mode & 0o777 for path in (kept, *folders)] == [0o600] + [0o700] * 4
    listed = platform("rejects", "list").out
    assert re.search(f"{FILE} +3 +missing_source 1, empty_event_type 1, not_utf8 1", listed)
    shown = platform("rejects", "show", "raw/events").out.splitlines()
    assert shown[0].startswith(f"{FILE}:4 (byte ")
    assert "missing_source: source is missing or null" in shown[0]
    assert "caf\\xe9" in shown[5]

    first, *others = kept.read_text().splitlines()
    mended = {**json.loads(first), "raw": json.dumps(make_event(id=3))}
    kept.write_text("\n".join([json.dumps(mended), *others]) + "\n")
    for inserted, lines in ((1, 3), (0, 2)):
        retried = platform("rejects", "retry", "batch_etl", *DAY, **settings)
        assert (retried.code, retried.totals()["lines"], retried.totals()["inserted"]) == (0, lines, inserted)

    assert platform("rejects", "drop", FILE).out == f"dropped {FILE}\n"
    assert "nothing is rejected" in platform("rejects", "list").out
    again = platform("rejects", "drop", FILE)
    assert (again.code, "nothing is rejected below" in again.log) == (2, True)
    assert source.exists()


def test_a_limit_of_rejects_fails_the_run_with_what_is_good_loaded(
    platform: Platform, postgres_url: str, tmp_path: Path
) -> None:
    source = tmp_path / "files" / FILE
    source.parent.mkdir(parents=True)
    source.write_bytes(events_to_jsonl([*make_events(9), make_invalid_event()]))
    settings = {"PLATFORM_DB": "postgres", "DB_POSTGRES_URL": postgres_url}
    failed = platform("run", "batch_etl", *DAY, "--max-rejected", "9%", **settings)
    assert (failed.code, [e["inserted"] for e in failed.events() if e["event"] == "Batch ETL complete"]) == (
        1,
        [9],
    )
    assert platform("run", "batch_etl", *DAY, "--max-rejected", "10%", **settings).code == 0
    refused = platform("run", "batch_etl", *DAY, "--max-rejected", "some", **settings)
    assert (refused.code, "--max-rejected" in refused.log) == (2, True)
