"""The output of ``platform migrate status``, for people and for programs."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from platform_cli.commands._base import say
from platform_cli.commands._json import print_json
from platform_cli.commands._table import print_table

if TYPE_CHECKING:
    from platform_migrate import MigrationStatus, StatusSummary


def warn_of_unreadable(notify: Callable[[str], None]) -> bool:
    """Warn of each installed module that cannot be read, and return whether there is one."""
    from platform_cli.migrations import find_modules

    _, problems = find_modules()
    for problem in problems:
        notify(f"a module is skipped: {problem}")
    return bool(problems)


def print_object(statuses: "Sequence[MigrationStatus]", summary: "StatusSummary") -> None:
    """Print one object: every migration with both checksums, and the totals."""
    migrations = [asdict(status) for status in statuses]
    for migration in migrations:
        if migration["applied_at"]:
            migration["applied_at"] = migration["applied_at"].astimezone(UTC).isoformat()
    print_json({"migrations": migrations, **asdict(summary)})


def print_statuses(statuses: "Sequence[MigrationStatus]", summary: "StatusSummary") -> None:
    """Print a row for each migration, and the totals as the last line."""
    columns = ("number", "owner", "name", "state", "applied at (UTC)", "note")
    rows = [
        (f"{each.number:03}", each.owner, each.name, each.state, _format_time(each.applied_at), each.note)
        for each in statuses
    ]
    print_table(columns, rows, wrapped=["note"])
    say(str(summary))


def _format_time(time: datetime | None) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if time else ""
