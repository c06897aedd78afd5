"""The charts with a point for each run, in the order of their start."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from platform_cli._durations import format_duration
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.report.charts import Chart, Slot, point_chart
from platform_cli.report.figures import date_of, rate_of
from platform_cli.report.loads import Load
from platform_cli.report.units import (
    format_count,
    format_short,
    round_second_ticks,
    round_ticks,
)

MAX_POINTS = 100
"""Of a chart; where there are more runs, a point is the median of several that follow one another."""


class _Value(NamedTuple):
    run: RunRecord
    value: float


def seconds_chart(load: Load) -> Chart | None:
    """Return the chart of how long each run took; None where the end of none is known."""
    values = [_Value(run, max(0.0, run.seconds)) for run in load.runs if run.seconds is not None]
    return _run_chart("Duration", values, format_duration, round_second_ticks)


def rate_chart(load: Load) -> Chart | None:
    """Return the chart of the records per second of each successful run; None where none reports any."""
    succeeded = [run for run in load.runs if run.status == RunStatus.SUCCEEDED]
    values = [_Value(run, rate) for run in succeeded if (rate := rate_of(run)) is not None]
    return _run_chart("Records per second", values, format_short, round_ticks)


def _run_chart(
    name: str,
    values: Sequence[_Value],
    format_value: Callable[[float], str],
    make_ticks: Callable[[float], Sequence[float]],
) -> Chart | None:
    if not values:
        return None
    size = -(-len(values) // MAX_POINTS)
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    is_one_day = len({run.started_at.date() for run, _ in values}) == 1
    slots = [_slot(group, format_value, is_one_day=is_one_day) for group in groups]
    title = f"{name} of each run" if size == 1 else f"{name}, the median of {size} runs each"
    summary = (
        f"{format_count(len(values))} {'run' if len(values) == 1 else 'runs'}, "
        f"median {format_value(median(value for _, value in values))}"
    )
    return point_chart(title, summary, slots, format_value, make_ticks)


def _slot(group: Sequence[_Value], format_value: Callable[[float], str], *, is_one_day: bool) -> Slot:
    runs = [run for run, _ in group]
    failed = sum(run.status in (RunStatus.FAILED, RunStatus.INTERRUPTED) for run in runs)
    value = median(value for _, value in group)
    if len(runs) == 1:
        date = f" for {date_of(runs[0])}" if date_of(runs[0]) else ""
        title = f"{_start(runs[0])}{date}, {runs[0].status}: {format_value(value)}"
    else:
        title = (
            f"{_start(runs[0])} to {_start(runs[-1])}, {failed} of {len(runs)} failed: {format_value(value)}"
        )
    kind = "failed" if failed * 2 > len(runs) else "succeeded"
    day, time = _start(runs[0]).split()
    return Slot(time if is_one_day else day, title, [(kind, value)])


def _start(run: RunRecord) -> str:
    return run.started_at.replace(tzinfo=None).isoformat(" ", "seconds")
