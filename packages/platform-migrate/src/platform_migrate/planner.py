"""What to do, decided from the files and the rows alone; no database is asked, nothing is changed."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from platform_migrate.errors import MigrationRefusedError
from platform_migrate.files import MigrationFile
from platform_migrate.status import AppliedRow, State, plan_status


def plan_up(
    files: Sequence[MigrationFile],
    rows: Sequence[AppliedRow],
    target: int | None = None,
    *,
    allow_out_of_order: bool = False,
) -> list[MigrationFile]:
    """The files to apply, in order, up to and with number ``target``.

    Raises:
        MigrationRefusedError: when files and rows contradict each other (all problems are named), or
            ``target`` is no file's number, or below what is applied already.
    """
    wanted = {State.PENDING, State.OUT_OF_ORDER} if allow_out_of_order else {State.PENDING}
    statuses = plan_status(files, rows)
    if problems := [
        f"{status.name} is {status.state} ({status.note})"
        for status in statuses
        if status.state.is_problem and status.state not in wanted
    ]:
        raise MigrationRefusedError(
            f"the history does not fit the files, nothing was applied: {'; '.join(problems)}"
        )
    if target is not None:
        _check_target(files, rows, target, may_be_below=allow_out_of_order)
    names = {status.name for status in statuses if status.state in wanted}
    return [file for file in files if file.name in names and (target is None or file.number <= target)]


def plan_down(
    files: Sequence[MigrationFile], rows: Sequence[AppliedRow], count: int = 1, *, target: int | None = None
) -> list[MigrationFile]:
    """The files of the last ``count`` migrations applied, the last one first; or of all above ``target``.

    Raises:
        MigrationRefusedError: when ``count`` is not between 1 and the number of migrations applied,
            ``target`` is neither 0 nor applied, or one of them has no file any more.
    """
    newest = sorted(rows, key=lambda row: row.id, reverse=True)
    if target is not None:
        applied = sorted(row.number for row in rows)
        if target not in (0, *applied):
            raise MigrationRefusedError(
                f"cannot go back to migration {target}: applied are {_numbers(applied)}"
            )
        newest = [row for row in newest if row.number > target]
    elif 1 <= count <= len(rows):
        newest = newest[:count]
    else:
        raise MigrationRefusedError(f"cannot roll back {count} migrations: {len(rows)} are applied")
    by_name: Mapping[str, MigrationFile] = {file.name: file for file in files}
    if missing := [row.name for row in newest if row.name not in by_name]:
        raise MigrationRefusedError(
            f"cannot roll back, nothing was changed: no file for {', '.join(missing)}"
        )
    return [by_name[row.name] for row in newest]


def plan_mark_applied(
    files: Sequence[MigrationFile],
    rows: Sequence[AppliedRow],
    names: Sequence[str],
    through: int | None = None,
) -> list[MigrationFile]:
    """The named files, and all up to number ``through``, whose rows are missing or have another checksum.

    Raises:
        MigrationRefusedError: when a name or ``through`` is no file's.
    """
    _check_names(names, [file.name for file in files], "there is no file of that name")
    if through is not None:
        _check_known(files, through)
    recorded = {row.name: row.checksum for row in rows}
    return [
        file
        for file in files
        if (file.name in names or (through is not None and file.number <= through))
        and recorded.get(file.name) != file.checksum
    ]


def plan_mark_pending(rows: Sequence[AppliedRow], names: Sequence[str]) -> list[str]:
    """The names whose rows are to go.

    Raises:
        MigrationRefusedError: when one has no row.
    """
    _check_names(names, [row.name for row in rows], "it is not applied")
    return list(dict.fromkeys(names))


def _check_target(
    files: Sequence[MigrationFile], rows: Sequence[AppliedRow], target: int, *, may_be_below: bool
) -> None:
    _check_known(files, target)
    here = {file.number for file in files}
    current = max((row.number for row in rows if row.number in here), default=0)
    if target < current and not may_be_below:
        raise MigrationRefusedError(
            f"migration {target} is below {current}, which is applied: 'down --target {target}' goes back"
        )


def _check_known(files: Sequence[MigrationFile], number: int) -> None:
    numbers = [file.number for file in files]
    if number not in numbers:
        raise MigrationRefusedError(f"there is no migration {number}: there are {_numbers(numbers)}")


def _check_names(names: Sequence[str], known: Sequence[str], problem: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise MigrationRefusedError(f"cannot mark {name!r}, nothing was changed: {problem}{hint}")


def _numbers(numbers: Sequence[int]) -> str:
    shown = [*map(str, numbers)]
    if len(shown) > 10:
        shown[3:-3] = ["…"]
    return ", ".join(shown) or "none"
