"""What a report makes of runs before it draws: which belong together and count, which dates are missing."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from platform_cli._durations import format_duration
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.report.buckets import find_buckets
from platform_cli.report.figures import counts_of, date_of, rate_of
from platform_cli.report.loads import group_loads
from platform_cli.report.units import format_short, round_second_ticks, round_ticks

MakeRun = Callable[..., RunRecord]

FAILED = {"status": RunStatus.FAILED, "exit_code": 1}


def date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({"arguments": {"source-path": "other"}}, 2),
        ({"arguments": {"source-path": "raw", "target-table": "copy"}}, 2),
        ({"arguments": {"source-path": "raw", "shard": 3}}, 2),
        ({"module": "other"}, 2),
        ({"environment": "staging"}, 2),
        ({"adapters": {"filesystem": "memory"}}, 2),
        ({"arguments": {"source-path": "raw", "max-rejected": "5%"}}, 1),
        ({"arguments": {"source-path": "raw", "full": False, "only": None}}, 1),
        ({"adapters": {"logging": "json"}}, 1),
        ({"version": "2.0.0"}, 1),
    ],
)
def test_runs_are_of_one_load_when_they_load_the_same(
    make_run: MakeRun, module: Callable[..., Path], change: dict[str, object], count: int
) -> None:
    module(
        args=[
            {"name": "source-path", "type": "string"},
            {"name": "max-rejected", "type": "string", "part_of_load": False},
        ]
    )
    loads = group_loads([make_run("2026-01-15"), make_run("2026-01-16", **change)])
    assert len(loads) == count


def test_secrets_in_arguments_are_hidden(make_run: MakeRun) -> None:
    [load] = group_loads([make_run(arguments={"password": "hunter2hunter2"})])
    assert load.arguments == {"password": "***"}


def test_the_last_successful_run_of_a_date_counts(make_run: MakeRun) -> None:
    first, last = make_run("2026-01-15"), make_run("2026-01-15", day=1)
    later = [
        make_run("2026-01-15", day=2, **FAILED),
        make_run("2026-01-15", day=3, entry="retry"),
        make_run("2026-01-15", day=4, status=RunStatus.UNDONE),
        make_run("2026-01-15", day=5, status=RunStatus.RUNNING, ended_at=None),
    ]
    [load] = group_loads([*later, last, first])
    assert load.succeeded == [(date("2026-01-15"), last)]
    assert load.ended == [(date("2026-01-15"), later[2])]


def test_a_run_that_skipped_what_was_undone_afterwards_does_not_count(make_run: MakeRun) -> None:
    undone = make_run("2026-01-15", status=RunStatus.UNDONE, undone={"at": "2026-01-22T00:00:00+00:00"})
    skipped = make_run("2026-01-15", day=1, figures={"skipped": 9})
    again = make_run("2026-01-15", day=3, figures={"inserted": 9})
    other = make_run("2026-01-16", day=1, figures={"skipped": 9})
    assert [load.missing_count for load in group_loads([undone, skipped, other])] == [1]
    assert [load.missing_count for load in group_loads([undone, skipped, other, again])] == [0]


def test_each_run_without_a_date_counts_for_the_day_of_its_start(make_run: MakeRun) -> None:
    runs = [make_run(), make_run(), make_run(day=1)]
    [load] = group_loads(runs)
    assert [day.day for day, _ in load.succeeded] == [20, 20, 21]
    assert load.gaps == []


def test_dates_without_a_successful_run_are_missing(make_run: MakeRun) -> None:
    [load] = group_loads(
        [
            make_run("2026-01-10", **FAILED),
            make_run("2026-01-11"),
            make_run("2026-01-15"),
            make_run("2026-01-16"),
            make_run("2026-01-17", status=RunStatus.UNDONE),
            make_run("not a date"),
        ]
    )
    assert load.gaps == [
        (date("2026-01-17"), date("2026-01-17")),
        (date("2026-01-12"), date("2026-01-14")),
        (date("2026-01-10"), date("2026-01-10")),
    ]
    assert load.missing_count == 5


def test_a_range_of_all_dates_that_exist_is_counted_without_walking_through_it(make_run: MakeRun) -> None:
    [load] = group_loads([make_run("0001-01-01"), make_run("9999-12-31")])
    assert load.gaps == [(date("0001-01-02"), date("9999-12-30"))]
    assert load.missing_count == 3_652_057


@pytest.mark.parametrize(
    ("first", "last", "unit", "labels"),
    [
        ("2026-01-15", "2026-01-15", "day", ["2026-01-15"]),
        ("2026-01-30", "2026-02-01", "day", ["2026-01-30", "2026-01-31", "2026-02-01"]),
        ("2026-01-01", "2026-12-31", "week", ["2025-12-29", "2026-12-28"]),
        ("2025-01-01", "2029-12-31", "month", ["2025-01", "2029-12"]),
        ("1990-01-01", "2026-12-31", "year", ["1990", "2026"]),
        ("0001-01-01", "9999-12-31", "year", ["9900", "9999"]),
    ],
)
def test_buckets_are_the_smallest_of_which_few_enough_are_needed(
    first: str, last: str, unit: str, labels: list[str]
) -> None:
    buckets = find_buckets([date(last), date(first)])
    found = [buckets.label(key) for key in buckets.keys]
    assert buckets.unit == unit
    assert (found if len(labels) == 3 else [found[0], found[-1]][: len(found)]) == labels
    assert buckets.keys[-1] == buckets.key(date(last))
    assert len(found) <= 100
    assert buckets.earlier == (9_899 if first == "0001-01-01" else 0)


def test_figures_of_any_kind_are_read_as_counts(make_run: MakeRun) -> None:
    odd = {"inserted": "many", "skipped": -5, "duplicates": True, "invalid": 10**400}
    assert counts_of(make_run(figures=odd)) == (0, 0, 0, 10**15)
    assert counts_of(make_run(figures={"inserted": 1.0, "invalid": float("nan")})) == (1, 0, 0, 0)
    assert counts_of(make_run(figures={"invalid": 3}, rejects={"a": 1, "b": 1})).rejected == 2


def test_a_rate_needs_records_and_time(make_run: MakeRun) -> None:
    assert rate_of(make_run(figures={"inserted": 10, "skipped": 4})) == 7
    assert rate_of(make_run(figures={})) is None
    assert rate_of(make_run(figures={"inserted": 10}, ended_at=None)) is None


def test_only_text_in_one_form_is_a_date(make_run: MakeRun) -> None:
    assert date_of(make_run(arguments={"date": "2026-01-15"})) == date("2026-01-15")
    for value in ("2026-02-30", "20260115", "", 20260115, None):
        assert date_of(make_run(arguments={"date": value})) is None


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 0.5, 1]),
        (7, [0, 2, 4, 6, 8]),
        (4_000, [0, 1000, 2000, 3000, 4000]),
        (4_001, [0, 2000, 4000, 6000]),
    ],
)
def test_ticks_are_round_and_reach_to_the_largest_value(largest: float, ticks: list[float]) -> None:
    assert round_ticks(largest) == pytest.approx(ticks)


def test_ticks_of_durations_are_round_in_the_unit_that_is_shown() -> None:
    assert [format_duration(tick) for tick in round_second_ticks(600)] == ["0 s", "5 min", "10 min"]
    assert [format_duration(tick) for tick in round_second_ticks(0.2)][-1] == "200 ms"
    assert format_duration(7_325) == "2 h 2 min"


def test_large_numbers_are_short_at_an_axis() -> None:
    assert [format_short(value) for value in (0, 950, 1_500, 2.5e6, 1e15)] == [
        "0",
        "950",
        "1.5k",
        "2.5M",
        "1P",
    ]


def test_a_date_whose_runs_read_nothing_is_missing(make_run: MakeRun) -> None:
    [load] = group_loads(
        [make_run("2026-01-15"), make_run("2026-01-16", figures={"lines": 0}), make_run("2026-01-17")]
    )
    assert (load.missing_count, load.gaps) == (1, [(date("2026-01-16"), date("2026-01-16"))])
