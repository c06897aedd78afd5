"""The state of each migration, derived from files and rows alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from platform_migrate.files import CHECKSUM_VERSION, PLATFORM, MigrationFile, number_of, owner_of


class State(StrEnum):
    """The state of a migration."""

    APPLIED = "applied"
    UNVERIFIED = "applied (unverified)"  # applied, without a checksum to compare its file with
    PENDING = "pending"
    OUT_OF_ORDER = "out of order"  # pending, though a later one is applied
    CHANGED = "changed"  # applied, and its file was edited since
    MISSING = "missing"  # applied, and its file is gone
    AHEAD = "ahead"  # applied by a newer version of its owner, whose files are not here
    NOT_INSTALLED = "not installed"  # applied, and its owner is not among the sources

    @property
    def is_problem(self) -> bool:
        """Return whether ``up`` refuses to run."""
        return self in (State.OUT_OF_ORDER, State.CHANGED, State.MISSING)


@dataclass(frozen=True)
class AppliedRow:
    """A row of ``_migrations``; ``id`` is the order of application, and no checksum means unverified."""

    id: int
    name: str
    applied_at: datetime
    checksum: str | None = None

    @property
    def owner(self) -> str:
        """Return the owner in its name."""
        return owner_of(self.name)

    @property
    def number(self) -> int:
        """Return the number in its name."""
        return number_of(self.name)

    @property
    def is_verified(self) -> bool:
        """Return whether this version can compute such a checksum, and so compare it."""
        return self.checksum is not None and self.checksum.startswith(CHECKSUM_VERSION)


@dataclass(frozen=True)
class MigrationStatus:
    """One migration and its state; ``applied_at`` is aware, ``note`` says what is wrong and what to do."""

    owner: str
    number: int
    name: str
    state: State
    applied_at: datetime | None = None
    note: str = ""
    file_checksum: str | None = None
    recorded_checksum: str | None = None


@dataclass(frozen=True)
class StatusSummary:
    """The numbers of migrations that are applied, pending, and problems."""

    applied: int
    pending: int
    problems: int

    @classmethod
    def of(cls, statuses: Sequence[MigrationStatus]) -> Self:
        """Count ``statuses``."""
        problems = sum(status.state.is_problem for status in statuses)
        pending = sum(status.state is State.PENDING for status in statuses)
        return cls(len(statuses) - pending - problems, pending, problems)

    def __str__(self) -> str:
        """Return, for example, ``5 applied, 1 pending, 0 problems``."""
        return f"{self.applied} applied, {self.pending} pending, {self.problems} problems"


def plan_status(
    files: Sequence[MigrationFile], rows: Sequence[AppliedRow], owners: Sequence[str] = (PLATFORM,)
) -> list[MigrationStatus]:
    """Return every file and every row, owner by owner, each by number.

    Args:
        files: of ``owners``.
        rows: of all owners; those of others come last, as not installed.
        owners: in the order of the result.
    """
    statuses = [
        status
        for owner in owners
        for status in _plan_owner(
            [file for file in files if file.owner == owner], [row for row in rows if row.owner == owner]
        )
    ]
    others = [row for row in rows if row.owner not in owners]
    others.sort(key=lambda row: (row.owner, row.number, row.name))
    return statuses + [
        _from_row(row, State.NOT_INSTALLED, f"of module {row.owner}, which is not installed")
        for row in others
    ]


def _plan_owner(files: Sequence[MigrationFile], rows: Sequence[AppliedRow]) -> list[MigrationStatus]:
    by_name = {row.name: row for row in rows}
    highest_row = max((row.number for row in rows), default=0)
    statuses = [_from_file(file, by_name.pop(file.name, None), highest_row) for file in files]
    highest_file = max((file.number for file in files), default=0)
    unapplied = {status.file_checksum: status.name for status in statuses if status.applied_at is None}
    for row in by_name.values():
        renamed = unapplied.get(row.checksum)
        if row.number > highest_file and renamed is None:
            statuses.append(_from_row(row, State.AHEAD, f"applied by a newer version of {_name_owner(row)}"))
        else:
            statuses.append(_from_row(row, State.MISSING, _explain_missing(row, renamed)))
    return sorted(statuses, key=lambda status: (status.number, status.name))


def _from_file(file: MigrationFile, row: AppliedRow | None, highest_row: int) -> MigrationStatus:
    applied_at = recorded = None
    if row is not None:
        state, note = _compare(file, row)
        applied_at, recorded = row.applied_at, row.checksum
    elif file.number < highest_row:
        state = State.OUT_OF_ORDER
        note = f"{highest_row:03} is applied: give it a higher number, or use 'up --allow-out-of-order'"
    else:
        state, note = State.PENDING, ""
    return MigrationStatus(
        file.owner, file.number, file.name, state, applied_at, note, file.checksum, recorded
    )


def _from_row(row: AppliedRow, state: State, note: str) -> MigrationStatus:
    return MigrationStatus(row.owner, row.number, row.name, state, row.applied_at, note, None, row.checksum)


def _compare(file: MigrationFile, row: AppliedRow) -> tuple[State, str]:
    if not row.is_verified:
        return State.UNVERIFIED, f"no checksum to compare with: 'mark {file.name} --applied' records one"
    if row.checksum == file.checksum:
        return State.APPLIED, ""
    then, now = _shorten(row.checksum), _shorten(file.checksum)
    owner = "" if file.owner == PLATFORM else f" --module {file.owner}"
    return State.CHANGED, (
        f"applied as {then}, the file is now {now}: take the edit back; or, where the data can go, "
        f"roll it back with 'platform migrate down{owner}' and run again; or accept it with "
        f"'platform migrate mark {file.name} --applied'"
    )


def _explain_missing(row: AppliedRow, renamed: str | None) -> str:
    if renamed:
        return (
            f"renamed? the same text is in {renamed}: take the old name back, "
            f"or 'mark {row.name} --pending' and 'mark {renamed} --applied'"
        )
    return f"restore its file, or forget it with 'mark {row.name} --pending'"


def _name_owner(row: AppliedRow) -> str:
    return "the project" if row.owner == PLATFORM else f"module {row.owner}"


def _shorten(checksum: str | None) -> str:
    return str(checksum).removeprefix(CHECKSUM_VERSION)[:8]
