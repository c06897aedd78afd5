"""What to do, decided from the files and the rows alone; no database is asked, nothing is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from platform_interfaces import MigrationError
from platform_migrate.files import MigrationFile


class State(StrEnum):
    """How a migration stands."""

    APPLIED = "applied"
    PENDING = "pending"
    OUT_OF_ORDER = "out of order"  # pending, though a later one is applied
    CHANGED = "changed"  # applied, and its file was edited since
    MISSING = "missing"  # applied, and its file is gone
    AHEAD = "ahead"  # applied by a newer version of the project, whose files are not here


@dataclass(frozen=True)
class AppliedRow:
    """A row of ``_migrations``, ``id`` being the order they were applied in; no checksum means unverified."""

    id: int
    name: str
    applied_at: datetime
    checksum: str | None = None

    @property
    def number(self) -> int:
        """The digits in front of the name, as a number."""
        return int(self.name.partition("_")[0])


@dataclass(frozen=True)
class MigrationStatus:
    """One migration as it stands; ``applied_at`` is aware."""

    number: int
    name: str
    state: State
    applied_at: datetime | None = None


def plan_status(files: Sequence[MigrationFile], rows: Sequence[AppliedRow]) -> list[MigrationStatus]:
    """Every file and every row, by number."""
    by_name = {row.name: row for row in rows}
    highest_file = max((file.number for file in files), default=0)
    highest_row = max((row.number for row in rows if row.number <= highest_file), default=0)
    statuses = [_status_of_file(file, by_name.pop(file.name, None), highest_row) for file in files]
    for row in by_name.values():
        state = State.AHEAD if row.number > highest_file else State.MISSING
        statuses.append(MigrationStatus(row.number, row.name, state, row.applied_at))
    return sorted(statuses, key=lambda status: (status.number, status.name))


def plan_up(
    files: Sequence[MigrationFile], rows: Sequence[AppliedRow], target: int | None = None
) -> list[MigrationFile]:
    """The files to apply, in order, up to and with number ``target``.

    Raises:
        ValueError: when ``target`` is no file's number, or below what is applied already.
        MigrationError: when files and rows contradict each other; all problems are named.
    """
    statuses = plan_status(files, rows)
    refused = (State.CHANGED, State.MISSING, State.OUT_OF_ORDER)
    if problems := [f"{status.name} is {status.state}" for status in statuses if status.state in refused]:
        raise MigrationError(
            f"the history does not fit the files, nothing was applied: {', '.join(problems)}"
        )
    _check_target(files, rows, target)
    pending = {status.name for status in statuses if status.state is State.PENDING}
    return [file for file in files if file.name in pending and (target is None or file.number <= target)]


def plan_down(
    files: Sequence[MigrationFile], rows: Sequence[AppliedRow], count: int = 1
) -> list[MigrationFile]:
    """The files of the last ``count`` migrations applied, the last one first.

    Raises:
        ValueError: when ``count`` is not between 1 and the number of migrations applied.
        MigrationError: when one of them has no file any more.
    """
    if not 1 <= count <= len(rows):
        raise ValueError(f"cannot roll back {count} migrations: {len(rows)} are applied")
    by_name: Mapping[str, MigrationFile] = {file.name: file for file in files}
    last = sorted(rows, key=lambda row: row.id, reverse=True)[:count]
    if missing := [row.name for row in last if row.name not in by_name]:
        raise MigrationError(f"cannot roll back, nothing was changed: no file for {', '.join(missing)}")
    return [by_name[row.name] for row in last]


def _status_of_file(file: MigrationFile, row: AppliedRow | None, highest_row: int) -> MigrationStatus:
    if row is None:
        state = State.OUT_OF_ORDER if file.number < highest_row else State.PENDING
        return MigrationStatus(file.number, file.name, state)
    is_changed = row.checksum is not None and row.checksum != file.checksum
    return MigrationStatus(
        file.number, file.name, State.CHANGED if is_changed else State.APPLIED, row.applied_at
    )


def _check_target(files: Sequence[MigrationFile], rows: Sequence[AppliedRow], target: int | None) -> None:
    if target is None:
        return
    numbers = [file.number for file in files]
    if target not in numbers:
        raise ValueError(
            f"there is no migration {target}: there are {', '.join(map(str, numbers)) or 'none'}"
        )
    current = max((row.number for row in rows), default=0)
    if target < current:
        raise ValueError(f"migration {target} is below {current}, which is applied: use 'down' to go back")
