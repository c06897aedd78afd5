"""Which dates of a backfill are run, and why, from the history of runs."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from platform_cli._render import show
from platform_cli.history.record import RunRecord, RunStatus

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
    EMPTY = "empty"
    """Its last run succeeded, and read nothing."""
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
        run: the run that ``state`` comes from; where it is missing, the last that does not count, or None.
        difference: why that one does not count, in words.
    """

    date: dt.date
    state: DateState
    is_due: bool
    run: RunRecord | None
    difference: str = ""

    @property
    def reason(self) -> str:
        """Return the state in words."""
        if self.run is None:
            return "no run"
        if self.state is DateState.MISSING:
            return f"no such run: {self.run.short_id} had {self.difference}"
        if self.state is DateState.UNDONE:
            words, time = "was undone", self.run.undone_at
        elif self.state is DateState.RUNNING:
            words, time = "is running since", self.run.started_at
        else:
            words = "read nothing" if self.state is DateState.EMPTY else self.run.status.value
            time = self.run.ended_at or self.run.started_at
        return f"{words} {time.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC (run {self.run.short_id})"


@dataclass(frozen=True)
class Target:
    """What the runs of a backfill have in common: an earlier run counts only where it is the same.

    Attributes:
        arguments: those of the module, with their defaults.
        defaults: the values of arguments that an earlier run did not know yet.
        environment: the one that the settings come from.
        filesystem: the name of the adapter that the input is read from.
        root: where its files are; empty where the module uses none.
    """

    arguments: Mapping[str, Any]
    defaults: Mapping[str, Any]
    environment: str
    filesystem: str
    root: str = ""

    def find_difference(self, run: RunRecord) -> str:
        """Return in what ``run`` differs from a run of this backfill of its date; empty where it does not."""
        arguments = _comparable({**self.defaults, **run.arguments})
        own = _comparable(self.arguments)
        pairs = [
            ("entry", run.entry, "run"),
            ("environment", run.environment, self.environment),
            ("file system", run.adapters.get("filesystem", self.filesystem), self.filesystem),
            ("root", run.adapters.get("root", self.root), self.root),
            *((name, arguments.get(name), own.get(name)) for name in dict.fromkeys([*own, *arguments])),
        ]
        different = (f"{name}={show(found)}" for name, found, wanted in pairs if found != wanted)
        return next(different, "")


def _comparable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in NOT_COMPARED}


def make_plan(
    dates: Sequence[dt.date], runs: Iterable[RunRecord], target: Target, selection: Selection
) -> list[PlannedDate]:
    """Return what is done about each of ``dates``, in their order.

    The last run of a date that has ended decides. When any run of the date was undone, only those that
    started later count: earlier ones may have skipped the rows that are gone.

    Args:
        dates: the range.
        runs: those of the module, newest first.
        target: what a run has to have in common with the backfill.
        selection: which dates are run.
    """
    by_date: dict[str, list[RunRecord]] = {}
    for run in runs:
        by_date.setdefault(str(run.arguments.get(DATE)), []).append(run)
    return [_plan(date, by_date.get(date.isoformat(), []), target, selection) for date in dates]


def _plan(date: dt.date, runs: Sequence[RunRecord], target: Target, selection: Selection) -> PlannedDate:
    state, decisive = _classify(runs, target)
    difference = ""
    if state is DateState.MISSING and runs:
        decisive, difference = runs[0], target.find_difference(runs[0])
    return PlannedDate(date, state, state in _DUE[selection], decisive, difference)


def _classify(runs: Sequence[RunRecord], target: Target) -> tuple[DateState, RunRecord | None]:
    """Return the state of a date whose runs are ``runs``, newest first, and the run that decides."""
    undone = max((run for run in runs if run.undone), key=lambda run: run.undone_at, default=None)
    counting = [
        run
        for run in runs
        if not target.find_difference(run) and (not undone or run.started_at > undone.undone_at)
    ]
    ended = [run for run in counting if run.status is not RunStatus.RUNNING]
    if ended:
        return _classify_ended(ended[0]), ended[0]
    if counting:
        return DateState.RUNNING, counting[0]
    return (DateState.UNDONE, undone) if undone else (DateState.MISSING, None)


def _classify_ended(run: RunRecord) -> DateState:
    if run.status is not RunStatus.SUCCEEDED:
        return DateState.FAILED
    return DateState.EMPTY if run.nothing_read else DateState.DONE
