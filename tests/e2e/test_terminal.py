"""A load on a terminal: progress, Ctrl-C in the middle of it, and the same command once more."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.helpers.data_factory import events_to_jsonl, make_event
from tests.helpers.terminal import Terminal

LOAD = (
    "run",
    "batch_etl",
    "--date",
    "2026-01-15",
    "--source-path",
    "raw",
    "--db",
    "postgres",
    "--fs",
    "gated",
)
LINES = 20_000
GATED = """
import asyncio
import os

from platform_localfs import LocalFileSystem


class GatedFileSystem(LocalFileSystem):
    # The second file has no end before the gate is open.
    async def stream(self, path, *, offset=0):
        if path.endswith("b.jsonl") and not os.path.exists(os.environ["GATE"]):
            await asyncio.Event().wait()
        async for block in super().stream(path, offset=offset):
            yield block
"""

Start = Callable[..., Terminal]


@pytest.fixture
def start(project: Path, tmp_path: Path, postgres_url: str) -> Iterator[Start]:
    """Starts the command on a terminal; it finds a file system whose second file has a gate."""
    site = tmp_path / "site"
    (site / "gated-1.0.dist-info").mkdir(parents=True)
    (site / "gated-1.0.dist-info" / "entry_points.txt").write_text(
        "[platform.filesystem]\ngated = gated:GatedFileSystem\n"
    )
    (site / "gated.py").write_text(GATED)
    folder = tmp_path / "files" / "raw" / "2026-01-15"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_bytes(
        events_to_jsonl(make_event(id=number) for number in range(LINES)) + b"{\n" * 2
    )
    (folder / "b.jsonl").write_bytes(events_to_jsonl([make_event(id=-1)]))

    started: list[Terminal] = []

    def start(*words: str, columns: int = 100, **variables: str) -> Terminal:
        own = {
            "PATH": os.environ["PATH"],
            "LOG_LEVEL": "INFO",
            "TERM": "xterm-256color",
            "PYTHONPATH": str(site),
            "DB_POSTGRES_URL": postgres_url,
            "FS_LOCAL_ROOT": str(tmp_path / "files"),
            "GATE": str(tmp_path / "gate"),
        }
        command = [str(Path(sys.executable).with_name("platform")), *words]
        started.append(Terminal(command, cwd=project, environment=own | variables, columns=columns))
        return started[-1]

    yield start
    for terminal in started:
        terminal.kill()


async def count_rows(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM cleaned_events")
        return count
    finally:
        await connection.close()


async def test_a_load_shows_progress_stops_at_ctrl_c_and_is_completed_by_the_same_command(
    start: Start, postgres_url: str, tmp_path: Path
) -> None:
    terminal = start(*LOAD)
    terminal.read_until(lambda text: re.search(r"[\d,]{5,} lines.*\n", text))
    shown = terminal.screen.split("\n")
    assert re.search(r"^━+\S* +\d+%  .* of .*", shown[-3])
    assert re.search(r"^[\d,]+ lines  ", shown[-2])
    assert shown[-1] == ""  # where a shell would go on, if the process died now
    assert not any("Starting" in row and "%" in row for row in shown)

    terminal.press("\x03")
    assert terminal.finish() == 130
    rows = terminal.screen.splitlines()
    assert not any("%" in row for row in rows)
    assert any(re.match(r"\d\d:\d\d:\d\dZ warn  Interrupted signal=SIGINT", row) for row in rows)
    [stored] = re.findall(
        r"^  at least ([\d,]+) inserted rows are stored; the same", terminal.screen, re.MULTILINE
    )
    assert rows[-1] == f"    platform {' '.join(LOAD)}"
    assert 0 < int(stored.replace(",", "")) <= await count_rows(postgres_url) < LINES + 1

    (tmp_path / "gate").touch()
    terminal = start(*LOAD)
    assert terminal.finish() == 0
    assert await count_rows(postgres_url) == LINES + 1
    assert re.search(rf"^    read +{LINES + 3:,}\b", terminal.screen, re.MULTILINE)
    assert terminal.screen.count("batch_etl succeeded in") == 1


def test_on_a_narrow_terminal_without_colours_or_unicode_rows_fit(start: Start, tmp_path: Path) -> None:
    terminal = start(*LOAD, columns=24, NO_COLOR="1", PYTHONIOENCODING="ascii")
    terminal.read_until(lambda text: re.search(r"[\d,]{5,} lines.*\n", text))
    assert terminal.text.isascii()
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.text)
    assert max(map(len, terminal.screen.split("\n")[-3:])) < 24
    terminal.press("\x03")
    assert terminal.finish() == 130


@pytest.mark.parametrize(
    ("words", "variables"),
    [(["-q"], {}), (["--log", "json"], {}), ([], {"TERM": "dumb"})],
)
def test_nothing_is_drawn_where_it_is_not_wanted(
    start: Start, tmp_path: Path, words: list[str], variables: dict[str, str]
) -> None:
    (tmp_path / "gate").touch()
    terminal = start(*LOAD, *words, **variables)
    assert terminal.finish() == 0
    assert not re.search(r"\x1b\[\d*[AJ]|\d%", terminal.text)
    assert "batch_etl succeeded in" in terminal.screen


def test_a_failure_is_reported_once_on_a_terminal(start: Start) -> None:
    terminal = start(*LOAD, "--target-table", "nowhere")
    assert terminal.finish() == 1
    assert "batch_etl failed after" in terminal.screen
    assert "\nerror: " not in terminal.screen


async def test_a_backfill_shows_its_dates_stops_at_ctrl_c_and_is_completed_by_the_same_command(
    start: Start, postgres_url: str, tmp_path: Path
) -> None:
    days = ("--from", "2026-01-15", "--to", "2026-01-16")
    backfill = ("backfill", "batch_etl", *days, *LOAD[4:])
    terminal = start(*backfill, columns=80)
    terminal.read_until(lambda text: "2026-01-15  0:00:01" in text)
    shown = terminal.screen.split("\n")
    assert re.search(r"^━+\S* +0 of 2 dates  0:00:0", shown[-3])
    assert shown[-2:] == ["2026-01-15  0:00:01", ""]

    terminal.press("\x03")
    assert terminal.finish() == 130
    rows = [row.split()[:3] for row in terminal.screen.splitlines()]
    assert ["2026-01-15", "interrupted"] in [row[:2] for row in rows]
    assert ["2026-01-16", "not", "run"] in rows
    assert "to run what is not done" in terminal.screen
    assert "of 2 dates" not in terminal.screen

    (tmp_path / "gate").touch()
    terminal = start(*backfill, columns=80)
    assert terminal.finish() == 0
    assert "2 dates: 1 succeeded, 1 nothing read in " in terminal.screen
    assert await count_rows(postgres_url) == LINES + 1
