"""Runs of the history as people and programs read them."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from platform_cli._command_line import to_command
from platform_cli._durations import format_duration
from platform_cli._text import printable
from platform_cli.commands._table import print_table
from platform_cli.figures import FIGURES, count
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.history.words import list_words, order_arguments
from platform_cli.settings import Settings
from platform_interfaces import Undo

_LOST_BY_RETRY = (
    "it was a retry: its rows are not among the rejects any more, so an undo loses what was corrected there; "
    "the files of the date have the lines as they were"
)
_COMMANDS = {"run": ["run"], "retry": ["rejects", "retry"]}


def to_json(record: RunRecord) -> dict[str, Any]:
    """Return a run as JSON has it: timestamps are ISO 8601, in UTC."""
    values = asdict(record) | {"seconds": record.seconds}
    for name in ("started_at", "ended_at"):
        values[name] = values[name] and values[name].astimezone(dt.UTC).isoformat()
    return values


def print_run(record: RunRecord) -> None:
    """Print all that is known of a run, a line for each field."""
    by_count = dict(sorted(record.rejects.items(), key=lambda item: -item[1]))
    rows: list[tuple[str, object]] = [
        ("run", record.id),
        ("module", f"{name_entry(record)} {record.version}"),
        ("status", describe_status(record, is_long=True)),
        ("error", record.error or None),
        ("exit code", record.exit_code),
        ("started", record.started_at.replace(microsecond=0)),
        ("took", _format_took(record)),
        ("environment", record.environment),
        ("adapters", ", ".join(f"{kind} {name}" for kind, name in sorted(record.adapters.items()))),
        ("process", f"{record.process_id} of {record.user} on {record.host}"),
        *_list_values("arguments", order_arguments(record)),
        *_list_values("figures", _other_figures(record)),
        *_list_values("rejects", by_count),
        *_list_values("undone", record.undone),
    ]
    print_table(
        ("field", "value"), [row for row in rows if row[1] is not None], wrapped=["value"], has_head=False
    )


def print_comparison(first: RunRecord, second: RunRecord, *, has_all: bool) -> None:
    """Print the fields of two runs side by side: those that differ, or all."""
    columns = ("", first.short_id, second.short_id, "difference")
    rows = [(name, a, b, _describe_difference(a, b)) for name, (a, b) in _pair(first, second).items()]
    shown = [row for row in rows if has_all or row[-1]]
    print_table(columns, shown, numbers=columns[1:], whole=columns[:1])


def find_differences(first: RunRecord, second: RunRecord) -> dict[str, tuple[Any, Any]]:
    """Return the fields that are not equal in two runs, with the values of both; None where one has none."""
    return {name: pair for name, pair in _pair(first, second).items() if pair[0] != pair[1]}


def name_entry(record: RunRecord) -> str:
    """Return the module, and what was called in it where that is not ``run``."""
    return record.module if record.entry == "run" else f"{record.module} ({record.entry})"


def describe_status(record: RunRecord, *, is_long: bool = False) -> str:
    """Return the status, and the kind of failure, or that nothing was read; if ``is_long``, why it died."""
    has_kind = record.status == RunStatus.FAILED and record.failure_kind
    detail = record.failure_kind if has_kind else "nothing read" if record.nothing_read else ""
    if record.status == RunStatus.INTERRUPTED and record.ended_at is None:
        detail = "its process died, or lost its database" if is_long else ""
    return f"{record.status}: {detail}" if detail else str(record.status)


def describe_again(record: RunRecord, settings: Settings) -> str:
    """Return the command that runs the same again, on the adapters that the command line chooses."""
    flags = settings.as_flags("database", "filesystem")
    return printable(to_command(*_COMMANDS[record.entry], record.module, *list_words(record), flags=flags))


def describe_reload(record: RunRecord, settings: Settings) -> str:
    """Return the command that loads again what an undo of the run has removed.

    For a retry it is the run: what it has loaded is among the rejects no more.
    """
    return describe_again(replace(record, entry="run"), settings)


def describe_next(record: RunRecord, settings: Settings) -> str:
    """Return what can be done about a run, with the command to type."""
    again, short = describe_again(record, settings), record.short_id
    if record.status == RunStatus.RUNNING:
        return (
            f"It is still running: {to_command('runs', 'show', short, flags=settings.as_flags('database'))}"
        )
    if record.status == RunStatus.UNDONE:
        return f"Load it again: {describe_reload(record, settings)}"
    if record.status != RunStatus.SUCCEEDED:
        return f"Run it again: {again}"
    if record.rejects:
        command = to_command("rejects", "list", flags=settings.as_flags("filesystem"))
        return f"See what was rejected: {command}"
    if record.nothing_read:
        return f"Run it again: {again}"
    if count(record.figures, "inserted") == 0:
        return "It inserted no rows: there is nothing to take back."
    command = to_command("runs", "undo", short, flags=settings.as_flags("database", "filesystem"))
    return f"Take it back: {command}"


def describe_undo(record: RunRecord, undo: Undo) -> str:
    """Return how many rows of a run there are, beside how many it has recorded."""
    run = f"run {record.short_id} of {name_entry(record)} ({printable(' '.join(list_words(record)))})"
    if undo.recorded == 0 and not undo.rows:
        return f"{run} has no rows in the table: there is nothing to remove"
    if undo.recorded is None:
        return f"{run} ended before it recorded how many rows it inserted; {undo.rows:,} are in the table"
    found = "all of them" if undo.rows == undo.recorded else f"{undo.rows:,}"
    lacking = "" if undo.rows == undo.recorded else ": others were removed or changed since"
    lost = f"\n{_LOST_BY_RETRY}" if record.entry == "retry" else ""
    return f"{run} inserted {undo.recorded:,} rows; {found} are in the table{lacking}{lost}"


def _format_took(record: RunRecord) -> str | None:
    return None if record.seconds is None else format_duration(record.seconds)


def _other_figures(record: RunRecord) -> dict[str, Any]:
    """Return the figures, what became of the records first, without those that the rejects say already."""
    names = [name for name in FIGURES.values() if name in record.figures]
    ordered = {name: record.figures[name] for name in (*names, *record.figures)}
    return {name: value for name, value in ordered.items() if value != record.rejects}


def _list_values(title: str, values: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    shown = [f"{name} {value}" for name, value in _flatten(values) if value is not None]
    for index, text in enumerate(shown):
        yield ("" if index else title), text


def _pair(first: RunRecord, second: RunRecord) -> dict[str, tuple[Any, Any]]:
    a, b = dict(_flatten(_comparable(first))), dict(_flatten(_comparable(second)))
    pairs = {name: (a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b])}
    return {name: pair for name, pair in pairs.items() if pair != (None, None)}


def _comparable(record: RunRecord) -> dict[str, Any]:
    seconds = record.seconds
    return {
        "module": name_entry(record),
        "version": record.version,
        "status": str(record.status),
        "environment": record.environment,
        "seconds": None if seconds is None else round(seconds, 3),
        "arguments": order_arguments(record),
        "figures": _other_figures(record),
        "rejects": record.rejects,
    }


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _describe_difference(first: Any, second: Any) -> str:
    if first == second:
        return ""
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in (first, second)):
        return "differs"
    share = f" ({(second - first) / first:+.1%})" if first else ""
    return (
        f"{second - first:+,.6g}{share}"
        if isinstance(second - first, float)
        else f"{second - first:+,}{share}"
    )
