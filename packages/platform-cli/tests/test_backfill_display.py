"""What a backfill shows while it runs."""

import datetime as dt
import io
import json
import os
import re
from collections.abc import Mapping

import pytest
from rich.cells import cell_len

from platform_cli.backfill.child_log import ChildLog
from platform_cli.backfill.display import Display
from platform_cli.backfill.live import LiveDates
from platform_cli.backfill.outcome import DateOutcome, DateStatus
from platform_memory import MemoryLogger

DAYS = [dt.date(2026, 1, day) for day in range(1, 6)]
WARNING = {"level": "warn", "event": "Careful", "run_id": "abc", "why": "late", "timestamp": "t"}


@pytest.fixture(params=[20, 40, 80, 120])
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Set the width of the terminal, which is six rows high."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setenv("LINES", "6")
    return int(request.param)


def rows_of(live: LiveDates) -> list[str]:
    """Return the rows, without colours."""
    return re.sub("\x1b\\[[0-9;]*m", "", live.render()).splitlines()


def make_log(*events: Mapping[str, object]) -> ChildLog:
    """Return the log of a run with these events."""
    log = ChildLog()
    for event in events:
        log.read_log(json.dumps(event).encode())
    return log


def test_the_rows_fit_the_terminal(columns: int) -> None:
    now = 100.0
    live = LiveDates(30, io.StringIO(), clock=lambda: now)
    log = make_log({"level": "info", "event": "Progress", "lines": 9_999_999, "per_second": 88_000})
    for day in DAYS:
        live.begin(day, log)
    now = 165.0
    live.end(DateOutcome(DAYS[0], DateStatus.SUCCEEDED))
    live.end(DateOutcome(DAYS[1], DateStatus.FAILED))
    rows = rows_of(live)
    assert max(map(cell_len, rows)) < columns
    assert len(rows) == 4 < int(os.environ["LINES"])
    if columns >= 80:
        assert rows[0].endswith("2 of 30 dates  1 failed  0:01:05  0:15:10 left")
        assert rows[1:] == [
            "2026-01-03  0:01:05  9,999,999 lines  88,000/s",
            "2026-01-04  0:01:05  9,999,999 lines  88,000/s",
            "and 1 more",
        ]


def test_nothing_of_a_run_steers_the_terminal() -> None:
    live = LiveDates(1, io.StringIO())
    live.begin(DAYS[0], make_log({"level": "info", "event": "Progress", "\x1b[2J[bold]": 1}))
    assert rows_of(live)[1].endswith("1 \\x1b[2J[bold]")


@pytest.mark.parametrize(
    ("status", "is_verbose", "events"),
    [
        (DateStatus.SUCCEEDED, False, ["Date succeeded"]),
        (DateStatus.SUCCEEDED, True, ["Careful", "Date succeeded"]),
        (DateStatus.FAILED, False, ["Careful", "Date failed"]),
        (DateStatus.INTERRUPTED, False, ["Date interrupted"]),
    ],
)
def test_the_problems_of_a_date_are_logged_where_it_failed_or_all_is_asked_for(
    status: DateStatus, is_verbose: bool, events: list[str]
) -> None:
    log = MemoryLogger()
    display = Display(log, 2, is_verbose=is_verbose)
    child_log = make_log(WARNING)
    display.begin(DAYS[0], child_log)
    display.end(DateOutcome(DAYS[0], status, run_id="abc"), child_log)
    assert [event.message for event in log.events] == events
    assert {event.fields["date"] for event in log.events} == {"2026-01-01"}
    assert log.events[-1].fields["left"] == 1
    if len(events) > 1:
        assert log.events[0].fields == {"why": "late", "date": "2026-01-01"}
