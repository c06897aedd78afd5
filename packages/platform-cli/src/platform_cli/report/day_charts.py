"""The charts by the day that was loaded, and the reasons of rejects."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from platform_cli.report.buckets import find_buckets
from platform_cli.report.charts import Chart, Slot, column_chart
from platform_cli.report.figures import Counts, counts_of, rejects_of
from platform_cli.report.loads import DayRun, Load
from platform_cli.report.units import format_count, format_short

MAX_REASONS = 12


class Bar(NamedTuple):
    """How many records were rejected for one reason; ``percent`` is of the most frequent one."""

    code: str
    records: int
    percent: float


class Reasons(NamedTuple):
    """The most frequent reasons, and how many others there are."""

    bars: Sequence[Bar]
    rarer: int


def records_chart(load: Load) -> Chart | None:
    """Return the chart of what became of the records of each day; None where no run reports any."""
    return _day_chart(load, "Records", load.succeeded, Counts._fields)


def rejected_chart(load: Load) -> Chart | None:
    """Return the chart of how many records were rejected each day; None where none was."""
    return _day_chart(load, "Rejected records", load.ended, ["rejected"])


def find_reasons(load: Load) -> Reasons:
    """Return why records were rejected by the last run of each date, failed ones included."""
    reasons = Counter[str]()
    for _, run in load.ended:
        reasons += rejects_of(run)
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    bars = [Bar(code, count, round(100 * count / ranked[0][1], 2)) for code, count in ranked[:MAX_REASONS]]
    return Reasons(bars, max(0, len(ranked) - MAX_REASONS))


def _day_chart(load: Load, name: str, runs: Sequence[DayRun], kinds: Sequence[str]) -> Chart | None:
    if not any(getattr(counts_of(run), kind) for _, run in runs for kind in kinds):
        return None
    buckets = find_buckets(day for day, _ in load.ended)
    totals = {key: Counter[str]() for key in buckets.keys}
    for day, run in runs:
        if (key := buckets.key(day)) in totals:
            totals[key].update(counts_of(run)._asdict(), runs=1)
    slots = [
        _slot(
            buckets.label(key), [(kind, total[kind]) for kind in kinds], load.is_dated and not total["runs"]
        )
        for key, total in totals.items()
    ]
    count = sum(value for slot in slots for _, value in slot.values)
    first, last = slots[0].label, slots[-1].label
    summary = (
        f"{format_count(count)} from {first} to {last}"
        if last != first
        else f"{format_count(count)} of {first}"
    )
    if buckets.earlier:
        summary += f"; {format_count(buckets.earlier)} earlier {buckets.unit}s are left out"
    return column_chart(f"{name} per {buckets.unit}", summary, slots, format_short)


def _slot(label: str, values: Sequence[tuple[str, float]], is_missing: bool) -> Slot:
    words = ", ".join(f"{format_count(value)} {kind}" for kind, value in values if value)
    return Slot(
        label, f"{label}: {words or ('nothing loaded' if is_missing else 'none')}", values, is_missing
    )
