"""Which dates of a backfill are run, and why, from the history of runs."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from platform_cli._render import show
from platform_cli.history.load_key import DATE, LoadKey, make_load_key
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.manifest import Argument


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


def make_plan(
    dates: Sequence[dt.date],
    runs: Iterable[RunRecord],
    wanted: LoadKey,
    arguments: tuple[Argument, ...],
    selection: Selection,
) -> list[PlannedDate]:
    """Return what is done about each of ``dates``, in their order.

    The last run of a date that has ended decides. When any run of the date was undone, only those that
    started later count: earlier ones may have skipped the rows that are gone.

    Args:
        dates: the range.
        runs: those of the module, newest first.
        wanted: what the runs of the backfill load: an earlier run counts only where it loaded the same.
        arguments: those of the module.
        selection: which dates are run.
    """
    by_date: dict[str, list[_Compared]] = {}
    for run in runs:
        compared = _Compared(run, _find_difference(run, wanted, arguments))
        by_date.setdefault(str(run.arguments.get(DATE)), []).append(compared)
    return [_plan(date, by_date.get(date.isoformat(), []), selection) for date in dates]


class _Compared(NamedTuple):
    run: RunRecord
    difference: str


def _find_difference(run: RunRecord, wanted: LoadKey, arguments: tuple[Argument, ...]) -> str:
    if run.entry != "run":
        return f"entry={show(run.entry)}"
    return make_load_key(run, arguments).find_difference(wanted)


def _plan(date: dt.date, runs: Sequence[_Compared], selection: Selection) -> PlannedDate:
    state, decisive = _classify(runs)
    difference = ""
    if state is DateState.MISSING and runs:
        decisive, difference = runs[0]
    return PlannedDate(date, state, state in _DUE[selection], decisive, difference)


def _classify(runs: Sequence[_Compared]) -> tuple[DateState, RunRecord | None]:
    """Return the state of a date whose runs are ``runs``, newest first, and the run that decides."""
    undone = max((run for run, _ in runs if run.undone), key=lambda run: run.undone_at, default=None)
    counting = [
        run
        for run, difference in runs
        if not difference and (not undone or run.started_at > undone.undone_at)
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
