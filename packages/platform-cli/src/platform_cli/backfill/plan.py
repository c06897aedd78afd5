"""Which dates of a backfill are run, and why, from the history of runs."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from platform_cli.run_record import RunRecord, RunStatus

DATE = "date"
"""The argument that a backfill sets."""

NOT_COMPARED = (DATE, "wait", "batch-size")
"""The arguments that may differ between a run and the one that a backfill would make of the same date.

They say how a run works, not what it loads.
"""


class Selection(StrEnum):
    """Which dates of the range are run."""

    NOT_DONE = "not-done"
    ALL = "all"
    MISSING = "missing-only"
    FAILED = "failed-only"


class DateState(StrEnum):
    """What the history knows of a date."""

    MISSING = "missing"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    RUNNING = "running"


_DUE = {
    Selection.NOT_DONE: set(DateState) - {DateState.DONE},
    Selection.ALL: set(DateState),
    Selection.MISSING: {DateState.MISSING},
    Selection.FAILED: {DateState.FAILED},
}


@dataclass(frozen=True)
class PlannedDate:
    """A date of the range.

    Attributes:
        date: the date.
        state: what the history knows of it.
        is_due: whether it is run.
        run: the run that ``state`` comes from; None where it is missing.
    """

    date: dt.date
    state: DateState
    is_due: bool
    run: RunRecord | None

    @property
    def reason(self) -> str:
        """Return the state in words."""
        if self.run is None:
            return "no run"
        time = (self.run.ended_at or self.run.started_at).astimezone(dt.UTC)
        words = {DateState.RUNNING: "is running since"}.get(self.state, self.run.status.value)
        return f"run {self.run.id[:8]} {words} {time:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Target:
    """What the runs of a backfill have in common: an earlier run counts only where it is the same.

    Attributes:
        arguments: those of the module, with their defaults.
        defaults: the values of arguments that an earlier run did not know yet.
        environment: the one that the settings come from.
        filesystem: the name of the adapter that the input is read from.
    """

    arguments: Mapping[str, Any]
    defaults: Mapping[str, Any]
    environment: str
    filesystem: str

    def matches(self, run: RunRecord) -> bool:
        """Return whether ``run`` loaded what a run of this backfill loads, but for the date."""
        return (
            run.entry == "run"
            and run.environment == self.environment
            and run.adapters.get("filesystem", self.filesystem) == self.filesystem
            and _comparable({**self.defaults, **run.arguments}) == _comparable(self.arguments)
        )


def _comparable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in arguments.items() if name not in NOT_COMPARED and value is not None
    }


def make_plan(
    dates: Sequence[dt.date], runs: Iterable[RunRecord], target: Target, selection: Selection
) -> list[PlannedDate]:
    """Return what is done about each of ``dates``, in their order.

    The last run of a date that has ended decides; one that was undone takes with it what runs before and
    after it have skipped, until a later run has inserted again.

    Args:
        dates: the range.
        runs: those of the module, newest first.
        target: what a run has to have in common with the backfill.
        selection: which dates are run.
    """
    by_date: dict[str, list[RunRecord]] = {}
    for run in runs:
        if target.matches(run):
            by_date.setdefault(str(run.arguments.get(DATE)), []).append(run)
    plan = []
    for date in dates:
        state, decisive = _classify(by_date.get(date.isoformat(), []))
        plan.append(PlannedDate(date, state, state in _DUE[selection], decisive))
    return plan


def _classify(runs: Sequence[RunRecord]) -> tuple[DateState, RunRecord | None]:
    """Return the state of a date whose runs are ``runs``, newest first, and the run that decides."""
    ended = [run for run in runs if run.status is not RunStatus.RUNNING]
    if not ended:
        return (DateState.RUNNING, runs[0]) if runs else (DateState.MISSING, None)
    last = ended[0]
    if last.status is RunStatus.UNDONE:
        return DateState.UNDONE, last
    if last.status is RunStatus.SUCCEEDED:
        return DateState.DONE, last
    return DateState.FAILED, last
