"""What ``platform backfill`` prints, for people and for programs."""

import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from platform_cli._durations import format_duration
from platform_cli._text import printable
from platform_cli.backfill.dates import format_dates
from platform_cli.backfill.outcome import COUNTS, ENDINGS, DateOutcome, DateStatus
from platform_cli.backfill.plan import DateState, PlannedDate
from platform_cli.backfill.result import BackfillResult
from platform_cli.commands._base import say
from platform_cli.commands._json import print_json
from platform_cli.commands._table import print_table
from platform_cli.history.record import shorten_id

# From which width on a terminal has room for which columns.
_WIDTHS = (
    (55, ("run",)),
    (65, ("rejected",)),
    (76, ("skipped",)),
    (88, ("seconds",)),
    (104, ("duplicates",)),
)

_BEFORE = {
    DateState.DONE: "done before",
    DateState.EMPTY: "read nothing before",
    DateState.FAILED: "failed before",
    DateState.MISSING: "without a run",
    DateState.RUNNING: "running elsewhere",
    DateState.UNDONE: "undone before",
}


def print_object(result: BackfillResult) -> None:
    """Print one JSON object: each date with its outcome, and the totals."""
    counts = result.counts
    totals = {"dates": len(result.plan)} | {status.value: counts[status] for status in DateStatus}
    found = {
        "module": result.module,
        "status": result.status.value,
        "dry_run": result.is_dry_run,
        "seconds": round(result.seconds, 3),
        "stopped": result.stopped or None,
        "totals": totals | {name: result.total(name) for name in COUNTS},
        "dates": [_as_object(planned, result.outcome(planned)) for planned in result.plan],
    }
    print_json(found)


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
    rows = [(str(each.date), _name_plan(each), each.reason) for each in result.plan]
    print_table(("date", "plan", "why"), rows)
    counts = result.counts
    say(f"\n{_dates(counts[DateStatus.NOT_RUN])} would run, {counts[DateStatus.NOT_DUE]} would not")


def _name_plan(planned: PlannedDate) -> str:
    return "run" if planned.is_due else "done" if planned.state is DateState.DONE else "leave"


def print_report(result: BackfillResult, command: str) -> None:
    """Print a row for each date that was due, why those failed that did, the totals, and what to type next.

    Args:
        result: what has become of the dates.
        command: runs what is not done.
    """
    due = [result.outcome(planned) for planned in result.plan if planned.is_due]
    if due:
        columns = _choose_columns()
        rows = [[_show(outcome, column) for column in columns] for outcome in due]
        print_table(columns, rows, numbers={*COUNTS, "seconds"})
        say("")
    for line in (*_list_causes(due), *_summarize(result, command)):
        say(printable(line))


def _list_causes(outcomes: Sequence[DateOutcome]) -> Iterator[str]:
    """Yield why dates failed, or read nothing: dates for the same cause together."""
    groups = dict[tuple[str, str], list[DateOutcome]]()
    for outcome in outcomes:
        if outcome.problem:
            cause = outcome.problem.replace(str(outcome.date), "DATE")
            groups.setdefault((outcome.failure_kind or outcome.words, cause), []).append(outcome)
    for (kind, cause), found in groups.items():
        first = found[0]
        if len(found) == 1:
            run = f" (run {shorten_id(first.run_id)})" if first.run_id else ""
            yield f"{first.date}{run}: {kind}: {first.problem}"
        else:
            yield f"{_dates(len(found))}: {kind}: {cause}"
            yield f"  {format_dates([outcome.date for outcome in found])}"


def _choose_columns() -> list[str]:
    """Return the columns that a terminal has room for; without a terminal, all of them."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTHS[-1][0]
    hidden = {name for least, names in _WIDTHS for name in names if width < least}
    return [name for name in ("date", "status", *COUNTS, "seconds", "run") if name not in hidden]


def _show(outcome: DateOutcome, column: str) -> str | None:
    if column in COUNTS:
        count = outcome.count(column)
        return None if count is None else f"{count:,}"
    has_started = outcome.status not in (DateStatus.NOT_RUN, DateStatus.NOT_DUE)
    return {
        "date": str(outcome.date),
        "status": outcome.words,
        "seconds": f"{outcome.seconds:.1f}" if has_started else None,
        "run": shorten_id(outcome.run_id),
    }[column]


def _summarize(result: BackfillResult, command: str) -> list[str]:
    counts = Counter(result.outcome(planned).words for planned in result.plan if planned.is_due)
    before = Counter(planned.state for planned in result.plan if not planned.is_due)
    words = [f"{counts[each]} {each}" for each in ENDINGS if counts[each]]
    words += [f"{count} {_BEFORE[state]}" for state, count in before.items()]
    inserted = f"; {result.total('inserted'):,} rows inserted" if result.outcomes else ""
    lines = [f"{_dates(len(result.plan))}: {', '.join(words)} in {format_duration(result.seconds)}{inserted}"]
    if result.stopped:
        lines.append(f"{result.stopped}: no other date was started")
    if result.is_failed:
        lines += ["", "  to run what is not done", f"    {command}"]
    elif set(before) == {DateState.DONE} and not result.outcomes:
        lines += ["", f"  to run {_name_done(result.plan)} again", f"    {command} --all"]
    return lines


def _name_done(plan: Sequence[PlannedDate]) -> str:
    run = plan[0].run
    return "them" if len(plan) > 1 or run is None else f"what run {run.short_id} has done"


def _dates(count: int) -> str:
    return f"{count:,} date" if count == 1 else f"{count:,} dates"
