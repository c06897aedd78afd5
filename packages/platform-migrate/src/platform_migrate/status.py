"""How files and rows stand to each other, told from the two alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from platform_migrate.files import CHECKSUM_VERSION, MigrationFile


class State(StrEnum):
    """How a migration stands."""

    APPLIED = "applied"
    UNVERIFIED = "applied (unverified)"  # applied, and no checksum tells whether its file is still the same
    PENDING = "pending"
    OUT_OF_ORDER = "out of order"  # pending, though a later one is applied
    CHANGED = "changed"  # applied, and its file was edited since
    MISSING = "missing"  # applied, and its file is gone
    AHEAD = "ahead"  # applied by a newer version of the project, whose files are not here

    @property
    def is_problem(self) -> bool:
        """Whether ``up`` refuses to run."""
        return self in (State.OUT_OF_ORDER, State.CHANGED, State.MISSING)


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

    @property
    def is_verified(self) -> bool:
        """Whether the checksum is one that this version can compute, and so compare."""
        return self.checksum is not None and self.checksum.startswith(CHECKSUM_VERSION)


@dataclass(frozen=True)
class MigrationStatus:
    """One migration as it stands; ``applied_at`` is aware, ``note`` says what is wrong and how to mend it."""

    number: int
    name: str
    state: State
    applied_at: datetime | None = None
    note: str = ""
    file_checksum: str | None = None
    recorded_checksum: str | None = None


@dataclass(frozen=True)
class StatusSummary:
    """How many migrations are applied as they should be, pending, and neither."""

    applied: int
    pending: int
    problems: int

    @classmethod
    def of(cls, statuses: Sequence[MigrationStatus]) -> Self:
        """The sums over ``statuses``."""
        problems = sum(status.state.is_problem for status in statuses)
        pending = sum(status.state is State.PENDING for status in statuses)
        return cls(len(statuses) - pending - problems, pending, problems)

    def __str__(self) -> str:
        """For example ``5 applied, 1 pending, 0 problems``."""
        return f"{self.applied} applied, {self.pending} pending, {self.problems} problems"


def plan_status(files: Sequence[MigrationFile], rows: Sequence[AppliedRow]) -> list[MigrationStatus]:
    """Every file and every row, by number."""
    by_name = {row.name: row for row in rows}
    highest_row = max((row.number for row in rows), default=0)
    statuses = [_of_file(file, by_name.pop(file.name, None), highest_row) for file in files]
    highest_file = max((file.number for file in files), default=0)
    unapplied = {status.file_checksum: status.name for status in statuses if status.applied_at is None}
    for row in by_name.values():
        renamed = unapplied.get(row.checksum)
        is_ahead = row.number > highest_file and renamed is None
        statuses.append(_ahead(row) if is_ahead else _missing(row, renamed))
    return sorted(statuses, key=lambda status: (status.number, status.name))


def _of_file(file: MigrationFile, row: AppliedRow | None, highest_row: int) -> MigrationStatus:
    if row is not None:
        state, note = _of_applied(file, row)
        return MigrationStatus(
            file.number, file.name, state, row.applied_at, note, file.checksum, row.checksum
        )
    state, note = State.PENDING, ""
    if file.number < highest_row:
        state = State.OUT_OF_ORDER
        note = f"{highest_row:03} is applied: give it a higher number, or use 'up --allow-out-of-order'"
    return MigrationStatus(file.number, file.name, state, None, note, file.checksum)


def _of_applied(file: MigrationFile, row: AppliedRow) -> tuple[State, str]:
    if not row.is_verified:
        return State.UNVERIFIED, f"no checksum to compare with: 'mark {file.name} --applied' records one"
    if row.checksum == file.checksum:
        return State.APPLIED, ""
    then, now = _short(row.checksum), _short(file.checksum)
    return State.CHANGED, (
        f"applied as {then}, the file is now {now}: take the edit back, "
        f"or accept it with 'mark {file.name} --applied'"
    )


def _missing(row: AppliedRow, renamed: str | None) -> MigrationStatus:
    note = f"restore its file, or forget it with 'mark {row.name} --pending'"
    if renamed:
        note = (
            f"renamed? the same text is in {renamed}: take the old name back, "
            f"or 'mark {row.name} --pending' and 'mark {renamed} --applied'"
        )
    return MigrationStatus(row.number, row.name, State.MISSING, row.applied_at, note, None, row.checksum)


def _ahead(row: AppliedRow) -> MigrationStatus:
    note = "applied by a newer version of the project"
    return MigrationStatus(row.number, row.name, State.AHEAD, row.applied_at, note, None, row.checksum)


def _short(checksum: str | None) -> str:
    return str(checksum).removeprefix(CHECKSUM_VERSION)[:8]
