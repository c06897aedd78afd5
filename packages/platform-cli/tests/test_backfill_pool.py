"""The dates of a backfill, some at a time, and what is read of their logs."""

import asyncio
import datetime as dt
import json
from collections.abc import Mapping

import pytest

from platform_cli.backfill.child_log import MAX_KEPT, MAX_LINE_BYTES, ChildLog, LineSplitter
from platform_cli.backfill.outcome import DateOutcome, DateStatus
from platform_cli.backfill.pool import MAX_SAME_FAILURES, run_dates
from platform_interfaces import FailureKind

DATES = [dt.date(2026, 1, day) for day in range(1, 11)]


def succeeded(date: dt.date) -> DateOutcome:
    return DateOutcome(date, DateStatus.SUCCEEDED)


def failed(date: dt.date, kind: FailureKind) -> DateOutcome:
    return DateOutcome(date, DateStatus.FAILED, failure_kind=kind)


@pytest.mark.parametrize(("parallel", "at_once"), [(1, 1), (3, 3), (99, len(DATES))])
async def test_so_many_dates_run_at_once_and_each_of_them_runs(parallel: int, at_once: int) -> None:
    running, most, outcomes = 0, 0, dict[dt.date, DateOutcome]()

    async def run(date: dt.date) -> DateOutcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return succeeded(date)

    assert await run_dates(DATES, run, parallel, outcomes) == ""
    assert list(outcomes) == DATES
    assert most == at_once


async def test_a_date_that_fails_does_not_stop_the_others() -> None:
    outcomes = dict[dt.date, DateOutcome]()

    async def run(date: dt.date) -> DateOutcome:
        return failed(date, FailureKind.NO_INPUT)

    assert await run_dates(DATES, run, 2, outcomes) == ""
    assert len(outcomes) == len(DATES)


@pytest.mark.parametrize("kind", [FailureKind.DATABASE_UNREACHABLE, FailureKind.CONFIGURATION])
async def test_dates_that_fail_in_a_row_for_a_reason_that_all_share_are_the_last(kind: FailureKind) -> None:
    outcomes = dict[dt.date, DateOutcome]()

    async def run(date: dt.date) -> DateOutcome:
        is_between = date == DATES[MAX_SAME_FAILURES - 1]
        return succeeded(date) if is_between else failed(date, kind)

    stopped = await run_dates(DATES, run, 1, outcomes)
    assert stopped == f"{MAX_SAME_FAILURES} dates in a row failed with {kind}"
    assert list(outcomes) == DATES[: 2 * MAX_SAME_FAILURES]


async def test_when_it_is_cancelled_no_other_date_starts_and_those_that_run_have_an_outcome() -> None:
    outcomes = dict[dt.date, DateOutcome]()
    are_running = asyncio.Event()

    async def run(date: dt.date) -> DateOutcome:
        try:
            if date == DATES[1]:
                are_running.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return DateOutcome(date, DateStatus.INTERRUPTED)
        return succeeded(date)

    task = asyncio.create_task(run_dates(DATES, run, 2, outcomes))
    await are_running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert {date: outcome.status for date, outcome in outcomes.items()} == {
        DATES[0]: DateStatus.INTERRUPTED,
        DATES[1]: DateStatus.INTERRUPTED,
    }


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_the_same_however_they_come(size: int) -> None:
    found: list[bytes] = []
    splitter = LineSplitter(found.append)
    data = b"one\n\ntwo\r\nlast"
    for start in range(0, len(data), size):
        splitter.feed(data[start : start + size])
    splitter.finish()
    assert found == [b"one", b"two\r", b"last"]


def test_a_line_without_an_end_is_not_kept_in_memory() -> None:
    found: list[bytes] = []
    splitter = LineSplitter(found.append)
    for _ in range(3):
        splitter.feed(b"x" * MAX_LINE_BYTES)
    splitter.feed(b"x\nnext\n")
    assert found == [b"next"]


def read(*events: Mapping[str, object]) -> ChildLog:
    log = ChildLog()
    for event in events:
        log.read_log(json.dumps(event).encode())
    return log


def test_of_a_log_the_last_problems_are_kept() -> None:
    problems = [{"level": "warn", "event": f"Problem {number}"} for number in range(MAX_KEPT + 5)]
    end = {"level": "error", "event": "Run failed", "exit_code": 1}
    log = read({"level": "info", "event": "Run", "run_id": "abc"}, *problems, end)
    for line in (b"[1]", b"{}", b'{"event": 1}', b"caf\xe9"):
        log.read_log(line)
    assert log.run_id == "abc"
    assert [event["event"] for event in log.notable] == [f"Problem {n}" for n in range(5, MAX_KEPT + 5)]
    assert list(log.text) == ["[1]", "{}", '{"event": 1}', "caf\\xe9"]


def test_the_result_is_found_among_what_others_print() -> None:
    log = ChildLog()
    for line in (b"hello", b"[]", b'{"exit_code": 1, "error": "why"}', b'{"other": 1}'):
        log.read_result(line)
    assert log.result == {"exit_code": 1, "error": "why"}


def test_progress_is_what_the_run_has_logged_last() -> None:
    event = {"level": "info", "event": "Progress", "seconds": 10, "run_id": "abc"}
    assert read(
        event | {"lines": 1}, event | {"lines": 120_000, "per_second": 12_000, "percent": 40}
    ).describe_progress() == [
        "120,000 lines",
        "12,000/s",
        "40%",
    ]
    assert ChildLog().describe_progress() == []
