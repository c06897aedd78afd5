"""What to do, decided from files and rows alone; no database is asked, nothing is changed."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from platform_migrate.errors import MigrationRefusedError
from platform_migrate.files import PLATFORM, MigrationFile
from platform_migrate.status import AppliedRow, State, plan_status


def plan_up(
    files: Sequence[MigrationFile],
    rows: Sequence[AppliedRow],
    target: int | None = None,
    *,
    owners: Sequence[str] = (PLATFORM,),
    allow_out_of_order: bool = False,
) -> list[MigrationFile]:
    """Return the files to apply: those of all ``owners`` in turn, of the last one up to number ``target``.

    Rows of other owners are ignored.

    Raises:
        MigrationRefusedError: when files and rows contradict each other (all problems are named), or
            the last owner has no file of number ``target``, or a later one is applied.
    """
    wanted = {State.PENDING, State.OUT_OF_ORDER} if allow_out_of_order else {State.PENDING}
    statuses = plan_status(files, rows, owners)
    if problems := [
        f"{status.name} is {status.state} ({status.note})"
        for status in statuses
        if status.state.is_problem and status.state not in wanted
    ]:
        raise MigrationRefusedError(
            f"the history does not fit the files, nothing was applied: {'; '.join(problems)}"
        )
    if target is not None:
        _check_target(files, rows, target, owners[-1], may_be_below=allow_out_of_order)
    names = {status.name for status in statuses if status.state in wanted}
    return [
        file
        for file in files
        if file.name in names and (target is None or file.owner != owners[-1] or file.number <= target)
    ]


def plan_down(
    files: Sequence[MigrationFile],
    rows: Sequence[AppliedRow],
    count: int = 1,
    *,
    target: int | None = None,
    owner: str = PLATFORM,
    dependents: Collection[str] = (),
) -> list[MigrationFile]:
    """Return the files of the last ``count`` migrations of ``owner``, the last applied first.

    With ``target``, those of all above that number. All modules depend on the platform.

    Raises:
        MigrationRefusedError: when ``count`` is not between 1 and the number of migrations applied,
            ``target`` is neither 0 nor applied, a file is missing, or a migration of one of ``dependents``
            was applied after one of them, which it may rest on.
    """
    newest = sorted((row for row in rows if row.owner == owner), key=lambda row: row.id, reverse=True)
    if target is not None:
        applied = sorted(row.number for row in newest)
        if target not in (0, *applied):
            raise MigrationRefusedError(
                f"cannot go back to migration {target}{_of(owner)}: applied are {_list_numbers(applied)}"
            )
        chosen = [row for row in newest if row.number > target]
    elif 1 <= count <= len(newest):
        chosen = newest[:count]
    else:
        raise MigrationRefusedError(
            f"cannot roll back {count} migrations{_of(owner)}: {len(newest)} are applied"
        )
    by_name: Mapping[str, MigrationFile] = {file.name: file for file in files}
    if missing := [row.name for row in chosen if row.name not in by_name]:
        raise MigrationRefusedError(
            f"cannot roll back, nothing was changed: no file for {', '.join(missing)}"
        )
    resting = [
        row for row in rows if row.owner in dependents or (owner == PLATFORM and row.owner != PLATFORM)
    ]
    _refuse_below(resting, chosen)
    return [by_name[row.name] for row in chosen]


def plan_mark_applied(
    files: Sequence[MigrationFile],
    rows: Sequence[AppliedRow],
    names: Sequence[str],
    through: int | None = None,
    *,
    owner: str = PLATFORM,
) -> list[MigrationFile]:
    """Return the files to record: those of ``names``, and those of ``owner`` up to number ``through``.

    Files whose rows have their checksum already are left out.

    Raises:
        MigrationRefusedError: when no file has such a name, or ``owner`` none of number ``through``.
    """
    _check_names(
        names, [file.name for file in files], "there is no file of that name, see 'platform migrate status'"
    )
    if through is not None:
        _check_number(files, through, owner)
    recorded = {row.name: row.checksum for row in rows}
    return [
        file
        for file in files
        if (file.name in names or (through is not None and file.owner == owner and file.number <= through))
        and recorded.get(file.name) != file.checksum
    ]


def plan_mark_pending(rows: Sequence[AppliedRow], names: Sequence[str]) -> list[str]:
    """Return the names whose rows are to be deleted.

    Raises:
        MigrationRefusedError: when one has no row.
    """
    _check_names(names, [row.name for row in rows], "it is not applied")
    return list(dict.fromkeys(names))


def _check_target(
    files: Sequence[MigrationFile],
    rows: Sequence[AppliedRow],
    target: int,
    owner: str,
    *,
    may_be_below: bool,
) -> None:
    _check_number(files, target, owner)
    known = {file.name for file in files if file.owner == owner}
    current = max((row.number for row in rows if row.name in known), default=0)
    if target < current and not may_be_below:
        module = "" if owner == PLATFORM else f"--module {owner} "
        raise MigrationRefusedError(
            f"migration {target}{_of(owner)} is below {current}, which is applied: "
            f"'down {module}--target {target}' goes back"
        )


def _check_number(files: Sequence[MigrationFile], number: int, owner: str) -> None:
    numbers = [file.number for file in files if file.owner == owner]
    if number not in numbers:
        raise MigrationRefusedError(
            f"there is no migration {number}{_of(owner)}: there are {_list_numbers(numbers)}"
        )


def _check_names(names: Sequence[str], known: Sequence[str], problem: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise MigrationRefusedError(f"cannot mark {name!r}, nothing was changed: {problem}{hint}")


def _refuse_below(resting: Sequence[AppliedRow], chosen: Sequence[AppliedRow]) -> None:
    newest = max(resting, key=lambda row: row.id, default=None)
    for row in chosen:
        if newest and newest.id > row.id:
            raise MigrationRefusedError(
                f"cannot roll back {row.name}, nothing was changed: {newest.name} was applied after it "
                f"and may rest on it: first roll that back with 'down --module {newest.owner}'"
            )


def _of(owner: str) -> str:
    return "" if owner == PLATFORM else f" of module {owner}"


def _list_numbers(numbers: Sequence[int]) -> str:
    listed = [*map(str, numbers)]
    if len(listed) > 10:
        listed[3:-3] = ["…"]
    return ", ".join(listed) or "none"
