"""What a backfill has done, or would do: a table for people, an object for programs."""

import datetime as dt
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from platform_cli._durations import format_duration
from platform_cli._text import printable
from platform_cli.backfill.outcome import ENDINGS, FIGURES, DateOutcome, DateStatus
from platform_cli.backfill.plan import DateState, PlannedDate, Selection
from platform_cli.commands._base import say
from platform_cli.commands._json import print_json
from platform_cli.commands._table import print_table
from platform_cli.history.record import shorten_id

# From which width on a terminal has room for which columns.
_WIDTHS = ((60, ("skipped", "seconds")), (80, ("rejected",)), (90, ("duplicates",)), (110, ("run",)))

_BEFORE = {
    DateState.DONE: "done before",
    DateState.EMPTY: "read nothing before",
    DateState.FAILED: "failed before",
    DateState.MISSING: "without a run",
    DateState.RUNNING: "running elsewhere",
    DateState.UNDONE: "undone before",
}


@dataclass(frozen=True)
class BackfillResult:
    """What has become of the dates of a backfill.

    Attributes:
        module: its name.
        plan: all dates of the range, in the order in which they are run.
        outcomes: of those that were run.
        selection: which dates were to be run.
        stopped: why not all dates that are due were run; empty where they were.
        is_interrupted: whether a signal is why.
        is_dry_run: whether nothing was to be run.
        seconds: how long it took.
    """

    module: str
    plan: Sequence[PlannedDate]
    outcomes: Mapping[dt.date, DateOutcome]
    selection: Selection = Selection.NOT_DONE
    stopped: str = ""
    is_interrupted: bool = False
    is_dry_run: bool = False
    seconds: float = 0.0

    @property
    def counts(self) -> Counter[DateStatus]:
        """Return how many dates have which status."""
        return Counter(self.outcome(planned).status for planned in self.plan)

    @property
    def is_failed(self) -> bool:
        """Return whether a date that was due did not succeed."""
        return not self.is_dry_run and bool(set(self.counts) - {DateStatus.SUCCEEDED, DateStatus.NOT_DUE})

    def outcome(self, planned: PlannedDate) -> DateOutcome:
        """Return what has become of a date, run or not."""
        status = DateStatus.NOT_RUN if planned.is_due else DateStatus.NOT_DUE
        return self.outcomes.get(planned.date) or DateOutcome(planned.date, status)

    def total(self, name: str) -> int:
        """Return the sum of one of ``FIGURES``."""
        return sum(outcome.count(name) or 0 for outcome in self.outcomes.values())


def print_object(result: BackfillResult) -> None:
    """Print one JSON object: each date with its outcome, and the totals."""
    counts = result.counts
    totals = {"dates": len(result.plan)} | {status.value: counts[status] for status in DateStatus}
    found = {
        "module": result.module,
        "status": _status(result),
        "dry_run": result.is_dry_run,
        "seconds": round(result.seconds, 3),
        "stopped": result.stopped or None,
        "totals": totals | {name: result.total(name) for name in FIGURES},
        "dates": [_as_object(planned, result.outcome(planned)) for planned in result.plan],
    }
    print_json(found)


def _status(result: BackfillResult) -> str:
    if result.is_interrupted:
        return DateStatus.INTERRUPTED.value
    return DateStatus.FAILED.value if result.is_failed else DateStatus.SUCCEEDED.value


def _as_object(planned: PlannedDate, outcome: DateOutcome) -> dict[str, Any]:
    return {
        "date": planned.date.isoformat(),
        "is_due": planned.is_due,
        "reason": planned.reason,
        "status": outcome.status.value,
        "run_id": outcome.run_id or None,
        "seconds": outcome.seconds,
        "figures": dict(outcome.figures),
        "failure_kind": outcome.failure_kind or None,
        "error": outcome.error or None,
    }


def print_plan(result: BackfillResult) -> None:
    """Print which dates would be run, which not, and why."""
    rows = [
        (str(each.date), "would run" if each.is_due else "would not", each.reason) for each in result.plan
    ]
    print_table(("date", "plan", "why"), rows)
    counts = result.counts
    say(f"\n{_dates(counts[DateStatus.NOT_RUN])} would run, {counts[DateStatus.NOT_DUE]} would not")


def print_report(result: BackfillResult) -> None:
    """Print a row for each date that was due, why those failed that did, and the totals."""
    due = [result.outcome(planned) for planned in result.plan if planned.is_due]
    if due:
        columns = _choose_columns()
        rows = [[_show(outcome, column) for column in columns] for outcome in due]
        print_table(columns, rows, numbers={*FIGURES, "seconds"})
        say("")
    for outcome in due:
        if outcome.error:
            run = f" (run {shorten_id(outcome.run_id)})" if outcome.run_id else ""
            kind = f"{outcome.failure_kind}: " if outcome.failure_kind else ""
            say(printable(f"{outcome.date}{run}: {kind}{outcome.error}"))
    say(_summary(result))


def _choose_columns() -> list[str]:
    """Return the columns that a terminal has room for; without a terminal, all of them."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTHS[-1][0]
    hidden = {name for least, names in _WIDTHS for name in names if width < least}
    return [name for name in ("date", "status", *FIGURES, "seconds", "run") if name not in hidden]


def _show(outcome: DateOutcome, column: str) -> str | None:
    if column in FIGURES:
        count = outcome.count(column)
        return None if count is None else f"{count:,}"
    has_started = outcome.status not in (DateStatus.NOT_RUN, DateStatus.NOT_DUE)
    return {
        "date": str(outcome.date),
        "status": outcome.words,
        "seconds": f"{outcome.seconds:.1f}" if has_started else None,
        "run": shorten_id(outcome.run_id),
    }[column]


def _summary(result: BackfillResult) -> str:
    counts = Counter(result.outcome(planned).words for planned in result.plan if planned.is_due)
    before = Counter(planned.state for planned in result.plan if not planned.is_due)
    words = [f"{counts[each]} {each}" for each in ENDINGS if counts[each]]
    words += [f"{count} {_BEFORE[state]}" for state, count in before.items()]
    inserted = f"; {result.total('inserted'):,} rows inserted" if result.outcomes else ""
    lines = [f"{_dates(len(result.plan))}: {', '.join(words)} in {format_duration(result.seconds)}{inserted}"]
    if result.stopped:
        lines.append(f"{result.stopped}: no other date was started")
    if result.is_failed:
        is_other = result.selection in (Selection.ALL, Selection.MISSING)
        without = f" without --{result.selection}" if is_other else ""
        lines.append(f"the same command{without} runs what is not done")
    return "\n".join(lines)


def _dates(count: int) -> str:
    return f"{count:,} date" if count == 1 else f"{count:,} dates"
