"""``platform runs report``: what it reads, and how it writes the page."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

Platform = Callable[..., tuple[int, str, str]]
Install = Callable[..., Path]

STORED = """
import datetime as dt
import platform_migrate
from platform_cli.history.runs_table import save_run
from platform_cli.history.record import RunRecord, RunStatus
from platform_memory import MemoryDatabase

class Stored(MemoryDatabase):
    async def connect(self):
        await super().connect()
        await platform_migrate.up(self)
        for day, module in ((15, "hello"), (16, "hello"), (17, "other")):
            start = dt.datetime(2026, 1, day, 6, tzinfo=dt.UTC)
            end, arguments = start + dt.timedelta(seconds=2), {"date": f"2026-01-{day}"}
            await save_run(self, RunRecord(
                f"{day:032x}", module, "1.0.0", "run", arguments, "local", {}, "host", "user", 1,
                start, end, RunStatus.SUCCEEDED, 0, "", "", {"inserted": 7}, {},
            ))
"""


@pytest.fixture(autouse=True)
def stored(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a database in memory with three runs the default."""
    install("stored", {"platform.database": {"stored": "stored:Stored"}}, __init__=STORED)
    monkeypatch.setenv("PLATFORM_DB", "stored")


def test_it_says_what_it_has_written(platform: Platform, project: Path) -> None:
    code, out, _ = platform("runs", "report", "--out", "report.html")
    page = (project / "report.html").read_text(encoding="utf-8")
    assert (code, out) == (0, f"wrote {project}/report.html: 3 runs, {-(-len(page.encode()) // 1000)} kB\n")
    assert "2026-01-15: 7 inserted" in page
    assert [file.name for file in project.iterdir() if file.is_file()] == ["report.html"]


def test_the_page_has_the_runs_that_were_asked_for(platform: Platform) -> None:
    code, out, _ = platform("runs", "report", "--out", "-", "--module", "hello", "--since", "2026-01-16")
    assert code == 0
    assert "2026-01-16: 7 inserted" in out
    assert "2026-01-15: 7 inserted" not in out
    assert ">other<" not in out
    assert 'since <b class="value">2026-01-16 00:00 UTC</b>' in out


def test_the_page_alone_is_printed(platform: Platform, project: Path) -> None:
    _, out, _ = platform("runs", "report", "--out", "-")
    assert out.startswith("<!DOCTYPE html>\n")
    assert out.endswith("</html>\n")
    assert not [*project.glob("*.html")]


def test_older_runs_than_a_page_can_have_are_left_out(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_cli.commands.report.MAX_RUNS", 2)
    _, out, _ = platform("runs", "report", "--out", "-")
    assert "Older runs are left out" in out
    assert "2026-01-15: 7 inserted" not in out


def test_a_file_that_is_there_is_replaced_and_so_is_what_a_link_points_to(
    platform: Platform, project: Path
) -> None:
    (project / "old.html").write_text("old" * 100_000)
    (project / "link.html").symlink_to("old.html")
    assert platform("runs", "report", "--out", "link.html")[0] == 0
    assert (project / "link.html").is_symlink()
    assert (project / "old.html").read_text().startswith("<!DOCTYPE html>")


def test_a_file_can_have_the_name_that_stands_for_standard_output(platform: Platform, project: Path) -> None:
    assert platform("runs", "report", "--out", "./-")[0] == 0
    assert (project / "-").exists()


def test_a_pipe_is_written_and_not_replaced(platform: Platform, project: Path) -> None:
    os.mkfifo(project / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((project / "pipe").read_text()))
    reader.start()
    assert platform("runs", "report", "--out", "pipe")[0] == 0
    reader.join()
    assert read[0].endswith("</html>")
    assert (project / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (".", "'.' is a directory: name a file in it, such as '{project}/report.html'"),
        ("no/report.html", "'no/report.html' cannot be written: make the directory '{project}/no' first"),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_anything_is_opened(
    platform: Platform, project: Path, target: str, problem: str
) -> None:
    code, out, err = platform("runs", "report", "--out", target)
    assert (code, out) == (2, "")
    assert err == f"error: invalid value for '--out': {problem.format(project=project)}\n"


def test_a_full_disk_is_an_error_in_words(platform: Platform) -> None:
    code, _, err = platform("runs", "report", "--out", "/dev/full")
    assert code == 1
    assert err.endswith("error: '/dev/full' cannot be written: No space left on device\n")


def test_the_old_page_stays_when_the_new_one_cannot_be_written(
    platform: Platform, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    (project / "report.html").write_text("old")
    monkeypatch.setattr("os.fsync", fail)
    assert platform("runs", "report", "--out", "report.html")[0] == 1
    assert [(file.name, file.read_text()) for file in project.iterdir() if file.is_file()] == [
        ("report.html", "old")
    ]


def test_a_missing_template_engine_is_answered_with_the_command_that_installs_it(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("platform_cli.report")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    code, _, err = platform("runs", "report", "--out", "-")
    assert code == 2
    assert "the report cannot be loaded" in err
    assert "install it with: uv pip install 'platform-cli[report]'" in err
