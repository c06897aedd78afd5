"""Which dates of a range are run: from the range, the history and the options."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from platform_cli.backfill.dates import MAX_DATES, format_dates, list_dates, parse_date
from platform_cli.backfill.plan import DateState, PlannedDate, Selection, make_plan
from platform_cli.history.load_key import make_load_key
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.manifest import Argument, Value

DAY = dt.date(2026, 1, 15)
ARGUMENTS = {"source-path": "raw", "wait": True, "batch-size": 500, "min-valid": None}
AT_MINUTE_9 = {"at": "2026-02-01T12:09:00+00:00"}


def argument(name: str, kind: str = "string", default: Value | None = None, **changes: Any) -> Argument:
    return Argument(name, "", kind, False, default, (), **changes)


KNOWN = (
    argument("date"),
    argument("source-path"),
    argument("mode"),
    argument("min-valid"),
    argument("wait", "boolean", True, is_part_of_load=False),
    argument("batch-size", "integer", 500, is_part_of_load=False),
)


def make_run(status: RunStatus = RunStatus.SUCCEEDED, minute: int = 0, **changes: Any) -> RunRecord:
    """Return a run of ``DAY``, started at this minute."""
    started = dt.datetime(2026, 2, 1, 12, minute, tzinfo=dt.UTC)
    has_ended = status is not RunStatus.RUNNING
    fields = {
        "id": f"{minute:032x}",
        "module": "batch_etl",
        "version": "1.0.0",
        "entry": "run",
        "arguments": {**ARGUMENTS, "date": str(DAY)},
        "environment": "local",
        "adapters": {"database": "postgres", "filesystem": "local", "root": "/data"},
        "host": "host",
        "user": "user",
        "process_id": 1,
        "started_at": started,
        "ended_at": started if has_ended else None,
        "status": status,
        "exit_code": 0 if has_ended else None,
        "failure_kind": "",
        "error": "",
        "figures": {},
        "rejects": {},
    }
    return RunRecord(**{**fields, **changes})


WANTED = make_load_key(make_run(), KNOWN)


def plan(
    dates: Sequence[dt.date], runs: Sequence[RunRecord], selection: Selection = Selection.NOT_DONE
) -> list[PlannedDate]:
    return make_plan(dates, runs, WANTED, KNOWN, selection)


def state_of(*runs: RunRecord) -> DateState:
    """Return the state of ``DAY`` after ``runs``, oldest first."""
    [planned] = plan([DAY], runs[::-1])
    return planned.state


def test_a_range_includes_both_ends() -> None:
    assert list_dates(dt.date(2024, 2, 28), dt.date(2024, 3, 1)) == [
        dt.date(2024, 2, 28),
        dt.date(2024, 2, 29),
        dt.date(2024, 3, 1),
    ]
    assert list_dates(DAY, DAY) == [DAY]
    assert list_dates(dt.date.max, dt.date.max) == [dt.date.max]


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="--from 2026-01-15 is after --to 2026-01-14"):
        list_dates(DAY, DAY - dt.timedelta(1))


def test_a_range_of_ten_years_is_fine_and_one_with_a_mistyped_year_is_refused() -> None:
    assert len(list_dates(dt.date(2016, 1, 1), dt.date(2025, 12, 31))) == 3653
    with pytest.raises(ValueError, match=rf"at most {MAX_DATES:,} are done at a time; is a year mistyped"):
        list_dates(dt.date(206, 1, 1), dt.date(2026, 1, 1))


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-2-3", "20260203", "2026-W01-1", "03.02.2026", "٢٠٢٦-٠١-٠١", "today", ""]
)
def test_what_is_not_a_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        parse_date(text)


@pytest.mark.parametrize(
    ("runs", "state"),
    [
        ([], DateState.MISSING),
        ([make_run()], DateState.DONE),
        ([make_run(RunStatus.FAILED)], DateState.FAILED),
        ([make_run(RunStatus.INTERRUPTED)], DateState.FAILED),
        ([make_run(RunStatus.UNDONE, undone=AT_MINUTE_9)], DateState.UNDONE),
        ([make_run(RunStatus.RUNNING)], DateState.RUNNING),
        ([make_run(RunStatus.FAILED), make_run(minute=1)], DateState.DONE),
        ([make_run(), make_run(RunStatus.FAILED, minute=1)], DateState.FAILED),
        ([make_run(), make_run(RunStatus.RUNNING, minute=1)], DateState.DONE),
        ([make_run(RunStatus.FAILED), make_run(RunStatus.RUNNING, minute=1)], DateState.FAILED),
    ],
)
def test_the_last_run_that_has_ended_decides(runs: list[RunRecord], state: DateState) -> None:
    assert state_of(*runs) is state


@pytest.mark.parametrize(
    ("later", "state"),
    [
        ([], DateState.UNDONE),
        ([make_run(minute=8)], DateState.UNDONE),  # it may have skipped what is gone
        ([make_run(minute=8), make_run(minute=10)], DateState.DONE),
        ([make_run(RunStatus.FAILED, minute=10)], DateState.FAILED),
    ],
)
def test_after_an_undo_only_runs_that_started_later_count(later: list[RunRecord], state: DateState) -> None:
    undone = make_run(RunStatus.UNDONE, minute=1, undone=AT_MINUTE_9)
    assert state_of(undone, *later) is state
    # Also where its arguments were others: the rows that it took are gone all the same.
    other = make_run(RunStatus.UNDONE, 1, undone=AT_MINUTE_9, arguments={"date": str(DAY), "mode": "loose"})
    assert state_of(other, *later) is state


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"arguments": {**ARGUMENTS, "date": str(DAY), "source-path": "other"}}, "source-path=other"),
        ({"arguments": {**ARGUMENTS, "date": str(DAY), "min-valid": "\x1b[2J"}}, r"min-valid='\x1b[2J'"),
        ({"arguments": {**ARGUMENTS, "date": str(DAY), "dry-run": True}}, "dry-run=True"),
        ({"arguments": {**ARGUMENTS, "date": str(DAY), "removed": "since"}}, "removed=since"),
        ({"entry": "retry"}, "entry=retry"),
        ({"environment": "staging"}, "environment=staging"),
        ({"adapters": {"database": "postgres", "filesystem": "memory"}}, "file system=memory"),
        ({"adapters": {"filesystem": "local"}}, "root=''"),
        ({"adapters": {"filesystem": "local", "root": "/wrong"}}, "root=/wrong"),
    ],
)
def test_a_run_of_something_else_does_not_count_and_the_plan_says_why(
    changes: dict[str, Any], difference: str
) -> None:
    [planned] = plan([DAY], [make_run(**changes)])
    assert planned.state is DateState.MISSING
    assert planned.reason == f"no such run: 00000000 had {difference}"


@pytest.mark.parametrize(
    "arguments",
    [
        {**ARGUMENTS, "wait": False},
        {**ARGUMENTS, "batch-size": 1},
        {"source-path": "raw"},  # of a version before the other arguments
    ],
)
def test_how_a_run_worked_does_not_matter(arguments: dict[str, Any]) -> None:
    assert state_of(make_run(arguments={**arguments, "date": str(DAY)})) is DateState.DONE


def test_a_run_of_an_earlier_version_had_the_default_of_an_argument_that_is_new() -> None:
    known = (*KNOWN, argument("full", default="strict"))
    earlier = make_load_key(make_run(), known)
    same, other = (
        make_load_key(make_run(arguments={**ARGUMENTS, "full": mode}), known) for mode in ("strict", "loose")
    )
    assert earlier.find_difference(same) == ""
    assert earlier.find_difference(other) == "full=strict"


def test_a_flag_that_a_module_has_no_longer_matters_only_where_it_was_given() -> None:
    is_off, is_on = (make_run(arguments={**ARGUMENTS, "date": str(DAY), "old": on}) for on in (False, True))
    assert state_of(is_off) is DateState.DONE
    assert state_of(is_on) is DateState.MISSING


@pytest.mark.parametrize(
    ("selection", "due"),
    [
        (Selection.NOT_DONE, [0, 2, 3, 4]),
        (Selection.ALL, [0, 1, 2, 3, 4]),
        (Selection.MISSING, [0]),
        (Selection.FAILED, [2]),
    ],
)
def test_the_option_selects_the_dates(selection: Selection, due: list[int]) -> None:
    dates = [DAY + dt.timedelta(index) for index in range(5)]
    statuses = (RunStatus.SUCCEEDED, RunStatus.INTERRUPTED, RunStatus.UNDONE, RunStatus.RUNNING)
    runs = [
        make_run(
            status,
            arguments={**ARGUMENTS, "date": str(date)},
            undone=AT_MINUTE_9 if status is RunStatus.UNDONE else {},
        )
        for status, date in zip(statuses, dates[1:], strict=True)
    ]
    found = plan(dates, runs, selection)
    assert [planned.date for planned in found] == dates
    assert [index for index, planned in enumerate(found) if planned.is_due] == due


def test_the_plan_says_why() -> None:
    runs = [make_run(RunStatus.RUNNING, 2), make_run(RunStatus.FAILED, 1)]
    undone = make_run(RunStatus.UNDONE, undone=AT_MINUTE_9)
    assert plan([DAY], [], Selection.ALL)[0].reason == "no run"
    assert plan([DAY], runs, Selection.ALL)[0].reason == "failed 2026-02-01 12:01 UTC (run 00000000)"
    assert plan([DAY], [undone], Selection.ALL)[0].reason == (
        "was undone 2026-02-01 12:09 UTC (run 00000000)"
    )
    assert plan([DAY], runs[:1], Selection.ALL)[0].reason == (
        "is running since 2026-02-01 12:02 UTC (run 00000000)"
    )


@pytest.mark.parametrize("figures", [{"lines": 0}, {"lines": 3, "nothing_read": "only blank lines"}])
def test_a_run_that_read_nothing_is_not_done_and_is_tried_again(figures: dict[str, Any]) -> None:
    run = make_run(figures=figures)
    [planned] = plan([DAY], [run])
    assert (planned.state, planned.is_due) == (DateState.EMPTY, True)
    assert planned.reason == "read nothing 2026-02-01 12:00 UTC (run 00000000)"
    assert state_of(run, make_run(minute=1, figures={"lines": 1})) is DateState.DONE


def test_dates_in_words_are_ranges_and_few() -> None:
    days = [dt.date(2026, 1, day) for day in (5, 1, 2, 3)]
    assert format_dates(days) == "2026-01-01 to 2026-01-03, 2026-01-05"
    words = format_dates(dt.date(2026, 1, day) for day in range(1, 30, 2))
    assert words.endswith("2026-01-15, and 7 more")
