"""The first command of the README, on the embedded PostgreSQL."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.helpers.command import Platform

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "modules" / "batch_etl" / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
DEMO = (
    "run",
    "batch_etl",
    "--env",
    "demo",
    "--date",
    "2026-01-15",
    "--source-path",
    "raw/events",
    "--log",
    "json",
)


def test_the_samples_load_once_and_a_second_run_adds_nothing(platform: Platform, embedded_dir: Path) -> None:
    settings = {"FS_LOCAL_ROOT": str(SAMPLES), "DB_EMBEDDED_DIR": str(embedded_dir)}
    dry = platform(*DEMO, "--dry-run", **settings)
    first = platform(*DEMO, **settings)
    second = platform(*DEMO, **settings)
    assert [done.code for done in (dry, first, second)] == [0, 0, 0]
    for done, inserted, skipped in (
        (dry, 0, 0),
        (first, EXPECTED["unique"], 0),
        (second, 0, EXPECTED["unique"]),
    ):
        found = done.totals()
        assert {name: found[name] for name in EXPECTED} == EXPECTED
        assert (found["inserted"], found["skipped"]) == (inserted, skipped)
    assert not (embedded_dir / "data" / "postmaster.pid").exists()


def test_a_run_on_the_samples_leaves_no_change_behind() -> None:
    changes = subprocess.run(
        ["git", "status", "--porcelain", "--", str(SAMPLES)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert changes.stdout == ""
