"""The numbers at the top of the page."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.report.figures import counts_of
from platform_cli.report.loads import Load
from platform_cli.report.units import format_count


class Figure(NamedTuple):
    """A number, and what it counts."""

    label: str
    value: str
    note: str


def find_figures(runs: Sequence[RunRecord], loads: Sequence[Load]) -> list[Figure]:
    """Return the numbers at the top."""
    statuses = Counter(run.status for run in runs)
    succeeded = statuses[RunStatus.SUCCEEDED]
    failed = statuses[RunStatus.FAILED] + statuses[RunStatus.INTERRUPTED]
    others = ", ".join(f"{format_count(statuses[each])} {each}" for each in RunStatus if statuses[each])
    inserted = sum(counts_of(run).inserted for run in runs if run.status == RunStatus.SUCCEEDED)
    rejected = sum(counts_of(run).rejected for load in loads for _, run in load.ended)
    missing = sum(load.missing_count for load in loads)
    return [
        Figure("runs", format_count(len(runs)), others or "none yet"),
        Figure("success rate", _share(succeeded, succeeded + failed), "of the runs that ended"),
        Figure("rows inserted", format_count(inserted), "by the successful runs"),
        Figure("records rejected", format_count(rejected), "by the last run of each date"),
        Figure("dates missing", format_count(missing), "between the first and the last one"),
    ]


def _share(part: int, whole: int) -> str:
    # Rounded down: 100% is all of them.
    return f"{part * 1000 // whole / 10:g}%" if whole else "none"
