"""Runs of the history as people and programs read them."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from platform_cli._text import printable
from platform_cli.commands._base import say
from platform_cli.commands._table import print_table
from platform_cli.manifest import read_manifest
from platform_cli.run_record import RunRecord, RunStatus
from platform_interfaces import ConfigurationError

VERSION = 1
"""Of the JSON objects; it goes up when a field changes its meaning or goes away."""

ID_DIGITS = 8
"""How much of an id is shown in lists; the commands take as much of one as tells it from the others."""


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object, with the version of its form."""
    say(json.dumps({"version": VERSION, **content}, indent=2))


def to_json(record: RunRecord) -> dict[str, Any]:
    """Return a run as JSON has it: timestamps are ISO 8601, in UTC."""
    values = asdict(record) | {"seconds": record.seconds}
    for name in ("started_at", "ended_at"):
        values[name] = values[name] and values[name].astimezone(dt.UTC).isoformat()
    return values


def print_runs(records: Iterable[RunRecord]) -> None:
    """Print a line for each run."""
    print_table(
        ("run", "started (UTC)", "module", "status", "took", "arguments"),
        [
            (
                record.id[:ID_DIGITS],
                format_time(record.started_at),
                name_entry(record),
                ": ".join(
                    filter(None, (record.status, record.failure_kind if record.exit_code == 1 else ""))
                ),
                format_seconds(record.seconds),
                " ".join(to_words(record)),
            )
            for record in records
        ],
        numbers=["took"],
    )


def print_run(record: RunRecord) -> None:
    """Print all that is known of a run, a line for each field."""
    rows: list[tuple[str, object]] = [
        ("run", record.id),
        ("module", f"{name_entry(record)} {record.version}"),
        ("status", str(record.status)),
        ("started", record.started_at.replace(microsecond=0)),
        ("took", format_seconds(record.seconds) or None),
        ("exit code", record.exit_code),
        ("failure", record.failure_kind or None),
        ("error", record.error or None),
        ("environment", record.environment),
        ("adapters", ", ".join(f"{kind} {name}" for kind, name in sorted(record.adapters.items()))),
        ("process", f"{record.process_id} of {record.user} on {record.host}"),
    ]
    for title, values in (
        ("arguments", record.arguments),
        ("figures", record.figures),
        ("rejects", record.rejects),
        ("undone", record.undone),
    ):
        shown = [(name, value) for name, value in values.items() if value not in (None, {}, [])]
        rows += [(title if not index else "", f"{name} {value}") for index, (name, value) in enumerate(shown)]
    shown_rows = [row for row in rows if row[1] is not None]
    print_table(("field", "value"), shown_rows, wrapped=["value"], has_head=False)


def describe_status(record: RunRecord) -> str:
    """Return the status, and the kind of failure where it says more."""
    has_kind = record.status == RunStatus.FAILED and record.failure_kind
    return f"{record.status}: {record.failure_kind}" if has_kind else str(record.status)


def name_entry(record: RunRecord) -> str:
    """Return the module, and what was called in it where that is not ``run``."""
    return record.module if record.entry == "run" else f"{record.module} ({record.entry})"


def to_words(record: RunRecord) -> list[str]:
    """Return the arguments of a run as they are typed, without those that have their default."""
    try:
        arguments = read_manifest(record.module).arguments
    except ConfigurationError:  # not installed any more
        arguments = ()
    defaults = {each.name: each.default_in.get(record.environment, each.default) for each in arguments}
    words = []
    for name, value in record.arguments.items():
        default = defaults.get(name)
        if value is None or value == default or (value is False and default is None):
            continue
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            words += [f"--{name}", printable(str(value))]
    return words


def format_time(time: dt.datetime) -> str:
    """Return a timestamp to the second, in UTC."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def format_seconds(seconds: float | None) -> str:
    """Return a duration in the units that people use for its size; empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
