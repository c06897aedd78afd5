"""How far a run has come: on terminals of any width, and in the log."""

import re
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from platform_cli.progress import display as progress_file
from platform_cli.progress.display import log_reading, show_progress
from platform_cli.progress.meter import Meter
from platform_cli.progress.rows import ProgressRows
from platform_cli.run.options import RunOptions
from platform_cli.settings import resolve
from platform_interfaces import Progress, Run
from platform_memory import MemoryLogger

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

PATH = "raw/events/2026-01-15/events_003.jsonl"


class Terminal(StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class AsciiTerminal(Terminal):
    encoding = "ascii"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def read_after(seconds: float, progress: Progress) -> Any:
    clock = Clock()
    meter = Meter(progress, clock)
    clock.now = seconds
    return meter.read()


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Renders progress at a width, without styles."""

    def rows(
        width: int, terminal: type[Terminal] = Terminal, seconds: float = 10, **values: Any
    ) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", "xterm")
        text = ProgressRows("hello", terminal()).render(read_after(seconds, Progress(**values)))
        assert text.endswith("\n")
        return re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()

    return rows


LOADING = {
    "total_bytes": 1_900_000_000,
    "read_bytes": 1_200_000_000,
    "records": 3_214_000,
    "rejected": 12,
    "unit": "lines",
    "current": PATH,
}


def test_rows_show_share_bytes_time_left_records_rate_rejects_and_file(
    rows: Callable[..., list[str]],
) -> None:
    first, second = rows(100, **LOADING)
    assert first.lstrip("━╸╺ ") == "63%  1.2 GB of 1.9 GB  0:00:06 left"
    assert second == f"3,214,000 lines  321,400/s  12 rejected  {PATH}"


@pytest.mark.parametrize("width", [1, 5, 20, 40, 60, 80, 120])
@pytest.mark.parametrize("terminal", [Terminal, AsciiTerminal])
@pytest.mark.parametrize("name", [PATH, "raw/日本語/" * 20, "a\nb\x1b[2J", ""])
def test_rows_are_two_and_fit_in_any_terminal(
    rows: Callable[..., list[str]], width: int, terminal: type[Terminal], name: str
) -> None:
    for values in (LOADING, {**LOADING, "total_bytes": None}, {"current": name}, {}):
        found = rows(width, terminal, **{**values, "current": name})
        assert len(found) == 2
        assert max(map(cell_len, found)) < max(width, 2)
        assert all(row.isprintable() for row in found)
        assert terminal is Terminal or all(row.isascii() for row in found)


def test_on_a_narrow_terminal_the_most_important_stays(rows: Callable[..., list[str]]) -> None:
    assert rows(30, **LOADING) == [" 63%  1.2 GB of 1.9 GB", "3,214,000 lines  321,400/s"]


def test_a_long_path_is_shown_by_its_end(rows: Callable[..., list[str]]) -> None:
    assert rows(70, **LOADING)[1].endswith("12 rejected  ...26-01-15/events_003.jsonl")


def test_no_color_keeps_rows_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    text = ProgressRows("hello", Terminal()).render(read_after(1, Progress(**LOADING)))  # type: ignore[arg-type]
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", text)


def test_where_the_total_is_not_known_neither_is_the_time_left(rows: Callable[..., list[str]]) -> None:
    assert rows(80, **{**LOADING, "total_bytes": None})[0] == "hello  0:00:10  1.2 GB read"


def test_a_module_that_reports_nothing_has_its_time_shown(rows: Callable[..., list[str]]) -> None:
    assert rows(80, seconds=75) == ["hello  0:01:15", ""]


def test_rates_are_those_of_the_last_half_minute() -> None:
    clock, progress = Clock(), Progress(total_bytes=1000)
    meter = Meter(progress, clock)
    for second in range(0, 3600, 10):  # it waits for a lock
        clock.now = second
        meter.read()
    for second in range(3600, 3660, 10):
        clock.now = second
        progress.records += 50
        progress.read_bytes += 100
        reading = meter.read()
    assert (reading.per_second, reading.seconds_left, reading.share) == (5.0, 40.0, 0.6)


def test_more_bytes_than_the_total_are_all_of_it() -> None:
    reading = read_after(1, Progress(total_bytes=10, read_bytes=20))
    assert (reading.share, reading.seconds_left) == (1.0, 0.0)


def test_a_line_of_the_log_has_what_the_module_reports() -> None:
    log = MemoryLogger()
    log_reading(log, read_after(10, Progress(**LOADING)))  # type: ignore[arg-type]
    log_reading(log, read_after(10, Progress()))
    assert [event.fields for event in log.events] == [
        {
            "seconds": 10,
            "lines": 3_214_000,
            "per_second": 321_400,
            "rejected": 12,
            "read_bytes": 1_200_000_000,
            "total_bytes": 1_900_000_000,
            "percent": 63,
            "seconds_left": 6,
            "current": PATH,
        },
        {"seconds": 10},
    ]


class WaitedForLogger(MemoryLogger):
    """Notes that so many events were logged."""

    def __init__(self, awaited: int) -> None:
        super().__init__()
        self._awaited, self.is_there = awaited, threading.Event()

    def info(self, message: str, **fields: Any) -> None:
        super().info(message, **fields)
        if len(self.events) == self._awaited:
            self.is_there.set()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(progress_file, "LOG_SECONDS", 0.001)
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


@pytest.mark.usefixtures("often")
def test_without_a_terminal_the_log_has_a_line_now_and_then_while_the_run_is_busy() -> None:
    run, log = Run(module="hello", progress=Progress(records=7)), WaitedForLogger(3)
    with show_progress(run, lambda: log, resolve({}), RunOptions()):
        log.is_there.wait()  # this thread does nothing else, as a module may that keeps the event loop busy
    assert {event.message for event in log.events} == {"Progress"}
    assert log.events[-1].fields["records"] == 7


@pytest.mark.usefixtures("often")
def test_a_logger_that_raises_does_not_stop_the_run() -> None:
    raised = threading.Event()

    class Broken(MemoryLogger):
        def info(self, message: str, **fields: Any) -> None:
            raised.set()
            raise RuntimeError(message)

    with show_progress(Run(), Broken, resolve({}), RunOptions()):
        raised.wait()


def test_a_quiet_run_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object, **__: object) -> None:
        raise AssertionError("a thread was started")

    monkeypatch.setattr(threading, "Thread", start)
    with show_progress(Run(), MemoryLogger, resolve({}), RunOptions(is_quiet=True)):
        pass


def test_a_short_run_logs_no_progress(raw_platform: Platform, module: Module) -> None:
    module("async def run(ctx):\n    ctx.run.progress.records = 3\n    return 0\n")
    code, _, err = raw_platform("run", "hello")
    assert (code, "Progress" in err) == (0, False)


def test_an_error_of_the_module_is_its_reason_whatever_is_logged_between(
    raw_platform: Platform, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_file, "LOG_SECONDS", 0.001)
    module("""
        import sys, threading

        async def run(ctx):
            ctx.log.error("First")
            thread = threading.Thread(target=ctx.log.info, args=["Progress"])
            thread.start()
            thread.join()
            ctx.log.error("Second")
            return 1
    """)
    assert raw_platform("run", "hello")[2].splitlines()[-1] == "error: First; Second"


def test_the_time_before_the_first_record_is_not_in_the_rate() -> None:
    clock, progress = Clock(), Progress()
    meter = Meter(progress, clock)
    for now, records in ((5, 0), (9, 0), (10, 500), (11, 1000)):
        clock.now, progress.records = now, records
        reading = meter.read()
    assert reading.per_second == 500
