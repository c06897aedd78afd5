"""The output of ``platform migrate status``, for people and for programs."""

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from platform_cli.commands._base import say

if TYPE_CHECKING:
    from platform_migrate import MigrationStatus, StatusSummary

SCHEMA_VERSION = 1
"""Of the JSON object; it goes up when a field changes its meaning or goes away."""


def warn_of_unreadable(notify: Callable[[str], None]) -> bool:
    """Warn of each installed module that cannot be read, and return whether there is one."""
    from platform_cli.migrations import find_modules

    _, problems = find_modules()
    for problem in problems:
        notify(f"a module is skipped: {problem}")
    return bool(problems)


def print_json(statuses: "Sequence[MigrationStatus]", summary: "StatusSummary") -> None:
    """Print one object: its version, every migration with both checksums, and the totals."""
    migrations = [asdict(status) for status in statuses]
    for migration in migrations:
        if migration["applied_at"]:
            migration["applied_at"] = migration["applied_at"].astimezone(UTC).isoformat()
    found = {"schema_version": SCHEMA_VERSION, "migrations": migrations, **asdict(summary)}
    say(json.dumps(found, indent=2))


def print_table(statuses: "Sequence[MigrationStatus]", summary: "StatusSummary") -> None:
    """Print a row for each migration, and the totals as the last line."""
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table

    is_terminal = bool(sys.stdout) and sys.stdout.isatty()
    columns = ("number", "owner", "name", "state", "applied at (UTC)", "note")
    table = Table(*columns, box=box.SIMPLE_HEAD if is_terminal else None)
    for status in statuses:
        table.add_row(
            f"{status.number:03}",
            status.owner,
            status.name,
            status.state,
            _format_time(status.applied_at),
            status.note,
        )
    # A pipe has no width: no line is truncated.
    width = shutil.get_terminal_size().columns if is_terminal else 10_000
    text = StringIO()  # rich exits by itself where a pipe is closed
    Console(file=text, width=width, highlight=False, force_terminal=is_terminal).print(table)
    say(text.getvalue() + str(summary))


def _format_time(time: datetime | None) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if time else ""
