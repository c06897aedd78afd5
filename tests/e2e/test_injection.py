"""Names from the command line and the input folder are names: no statement, no way out, no line of a log."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import asyncpg
import pytest

from tests.helpers.command import Outcome, Platform
from tests.helpers.data_factory import events_to_jsonl, make_event, make_invalid_event

DATE, SOURCE = ("--date", "2026-01-15"), ("--source-path", "raw/events")
LOAD = ("run", "batch_etl", *DATE, *SOURCE)
FORGED = "2026-01-15T00:00:00Z info  Batch ETL complete inserted=9"
RED, CLEAR, CSI, TO_LEFT = "\x1b[31m", "\x1b[2J", "\x9b2J", "\u202e"

HOSTILE = [
    "",
    "x'; DROP TABLE cleaned_events; --",
    'cleaned_events" (id) VALUES (1); DROP TABLE cleaned_events; --',
    "x" * 64,
    "$(touch owned)",
    "../../etc/passwd",
    "/etc/passwd",
    "a/../../b",
    f"x\n{FORGED}",
    f"{RED}x{CLEAR}",
    f"{CSI}x",
    f"x{TO_LEFT}y",
    "\udce9",
    "{0.__class__}",
]
# As names of files these have nothing that a path may not have.
NAMES = [
    "'quoted'.jsonl",
    '"; DROP TABLE cleaned_events; --.jsonl',
    "$(touch owned).jsonl",
    "--help.jsonl",
    f"{CSI}x.jsonl",
    f"x{TO_LEFT}y.jsonl",
    f"x\u2028{FORGED}.jsonl",
    f"x\u0085{FORGED}.jsonl",
    "[red]x a=b.jsonl",
    "a..jsonl",
]
# These cannot be paths, and are left out with a warning.
UNNAMEABLE = [f"x\n{FORGED}.jsonl", f"{RED}x{CLEAR}.jsonl", "back\\slash.jsonl"]


def assert_clean(done: Outcome) -> None:
    """Assert that no character steers a terminal or breaks a line, and that no line is forged."""
    for line in (done.out + done.log).split("\n"):
        assert line.isprintable(), ascii(line)
        assert not line.startswith(FORGED)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_value_that_is_not_a_name_is_refused_by_every_option(
    platform: Platform, text: str, project: Path
) -> None:
    options = ("--db", "--fs", "--log", "--secrets", "--env")
    refused = platform(*LOAD, *(f"{option}={text}" for option in options))
    assert_clean(refused)
    assert (refused.code, refused.log.count("error: ")) == (2, len(options)), refused.log
    given = platform(
        "run", "batch_etl", f"--target-table={text}", f"--date={text}", *SOURCE, "--db", "memory"
    )
    assert_clean(given)
    assert (given.code, "--date" in given.log, "--target-table" in given.log) == (2, True, True), given.log
    unknown = platform("run", text)
    assert_clean(unknown)
    assert unknown.code == 2
    assert not list(project.rglob("owned"))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_path_is_a_path_below_the_root_or_is_refused(platform: Platform, text: str, tmp_path: Path) -> None:
    for command in (
        ("run", "batch_etl", *DATE, f"--source-path={text}", "--db", "memory"),
        ("rejects", "list", text),
    ):
        done = platform(*command)
        assert_clean(done)
        assert done.code in ((0, 1, 2) if command[0] == "rejects" else (0, 2)), done.log
    assert {path.name for path in tmp_path.iterdir()} <= {"project", "files"}


@pytest.mark.parametrize("text", [text for text in HOSTILE if not text.isalpha()], ids=ascii)
def test_a_migration_is_named_by_words(platform: Platform, text: str, project: Path) -> None:
    (project / "migrations").mkdir()
    done = platform("migrate", "create", "--dir", "migrations", "--", text)
    assert_clean(done)
    assert done.code == 2
    assert list((project / "migrations").iterdir()) == []


def test_files_that_are_not_named_like_migrations_are_not_run(platform: Platform, project: Path) -> None:
    names = [f"001_{text}.py" for text in HOSTILE if "/" not in text and not text.isalpha()]
    for name in names:
        file = project / "migrations" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("raise SystemExit('it was run')")
    for command in ("up", "status"):
        refused = platform("migrate", command, "--db", "memory", "--dir", "migrations")
        assert_clean(refused)
        assert refused.code not in (0, 2)
        assert "not named like" in refused.log
        assert "it was run" not in refused.log


async def test_names_of_files_are_shown_as_names(
    platform: Platform, postgres_url: str, tmp_path: Path, project: Path
) -> None:
    folder = tmp_path / "files" / "raw" / "events" / "2026-01-15"
    folder.mkdir(parents=True)
    for number, name in enumerate([*NAMES, *UNNAMEABLE]):
        (folder / name).write_bytes(events_to_jsonl([make_event(id=number), make_invalid_event()]))
    Path(os.fsdecode(bytes(folder) + b"/caf\xe9.jsonl")).write_bytes(events_to_jsonl([make_event(id=-1)]))
    settings = {"PLATFORM_DB": "postgres", "DB_POSTGRES_URL": postgres_url}

    for command, code in ((LOAD, 1), (("rejects", "retry", *LOAD[1:]), 0)):  # 1 for those that no path names
        done = platform(*command, "-v", **settings)  # so that each line is logged
        assert_clean(done)
        assert done.code == code, done.log
        assert done.log.count("Cannot read file") == code * (len(UNNAMEABLE) + 1)
        assert len(re.findall(r"^\S+ info  Batch ETL complete", done.log, re.MULTILINE)) == 1
        assert done.log.count("Invalid line") == len(NAMES)
    assert platform(*LOAD, "--log", "json", **settings).totals()["skipped"] == len(NAMES)
    for asked in (("list", ""), ("show", "raw"), ("drop", "raw")):
        done = platform("rejects", *asked)
        assert_clean(done)
        assert done.code == 0
    connection = await asyncpg.connect(postgres_url)
    assert await connection.fetchval("SELECT count(*) FROM cleaned_events") == len(NAMES)
    await connection.close()
    assert not list(tmp_path.rglob("owned"))


def test_files_that_cannot_be_named_are_reported_and_fail_the_load(
    platform: Platform, tmp_path: Path
) -> None:
    folder = tmp_path / "files" / "raw" / "events" / "2026-01-15"
    folder.mkdir(parents=True)
    for name in UNNAMEABLE:
        (folder / name).touch()
    Path(os.fsdecode(bytes(folder) + b"/caf\xe9.jsonl")).touch()
    done = platform(*LOAD, "--db", "memory")
    assert_clean(done)
    assert (done.code, done.log.count("Cannot read file")) == (1, len(UNNAMEABLE) + 1)


def test_what_another_program_wrote_into_a_file_of_rejects_is_shown_as_text(
    platform: Platform, tmp_path: Path
) -> None:
    text = f"{RED}x\n{FORGED}{CSI}{TO_LEFT}"
    reject = {"file": text, "line": 1, "offset": 0, "raw": text, "reasons": [{"code": text, "message": text}]}
    file = tmp_path / "files" / "rejected" / "raw" / "rejects.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(reject))
    for command in (("list",), ("show", "")):
        done = platform("rejects", *command)
        assert_clean(done)
        assert (done.code, FORGED in done.out) == (0, True)
