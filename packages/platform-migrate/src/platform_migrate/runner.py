"""``up``, ``down``, ``mark_…`` and ``status``: one process at a time, all is checked before anything runs."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from platform_interfaces import ConnectionLostError, DatabaseInterface, LockTimeoutError
from platform_migrate.errors import MigrationLockLostError, MigrationRefusedError
from platform_migrate.executor import Executor, Notify
from platform_migrate.files import Migration, MigrationFile, Step, load_all, read_files
from platform_migrate.planner import plan_down, plan_mark_applied, plan_mark_pending, plan_up
from platform_migrate.status import AppliedRow, MigrationStatus, State, plan_status
from platform_migrate.store import MigrationStore

LOCK_WAIT_SECONDS = 300.0
QUIET_SECONDS = 2.0
"""How long a run waits for another one before it says so."""


@dataclass(frozen=True)
class MigrationRun:
    """The names of what a run has applied or reverted, or would have, if it was a dry one; in that order."""

    applied: tuple[str, ...] = ()
    reverted: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()


def _say_nothing(_: str) -> None:
    pass


async def up(
    db: DatabaseInterface,
    target: int | None = None,
    *,
    directory: Path | None = None,
    allow_out_of_order: bool = False,
    dry_run: bool = False,
    lock_wait: float = LOCK_WAIT_SECONDS,
    notify: Notify = _say_nothing,
) -> MigrationRun:
    """Apply what is pending, up to and with number ``target``; with nothing pending, no lock is taken.

    Every file is read, checked and loaded before the first one runs.

    Args:
        db: connected.
        target: the number of a migration; None means all.
        directory: where the files are; None means those of the platform.
        allow_out_of_order: also apply those below one that is applied.
        dry_run: check and load everything and change nothing; no lock is taken.
        lock_wait: seconds to wait for another run on this database.
        notify: called with a sentence when the run waits, tries again, or meets something odd.

    Raises:
        MigrationRefusedError: when the files are bad, do not fit what is applied, or ``target`` is not
            among them or below what is applied; nothing was changed.
        MigrationFailedError: when one fails; it is undone, those before it stay.
        LockTimeoutError: when another run held the lock all the time; nothing was changed.
        MigrationLockLostError: when the lock was lost on the way.
    """
    files, store = read_files(directory), await MigrationStore.open(db)

    def plan(rows: Sequence[AppliedRow]) -> list[MigrationFile]:
        return plan_up(files, rows, target, allow_out_of_order=allow_out_of_order)

    rows = await store.rows()
    planned = plan(rows)
    _tell(files, rows, State.AHEAD, notify)
    if not planned:
        return MigrationRun()
    store.check_new_tables()
    if dry_run:
        return MigrationRun(planned=tuple(one.file.name for one in load_all(planned)))
    async with _locked(db, store, lock_wait, notify):
        await store.create()
        migrations = load_all(plan(await store.rows()))
        executor = await Executor.open(db, notify)
        return MigrationRun(applied=await executor.run([(one, one.up) for one in migrations], store.add))


async def down(
    db: DatabaseInterface,
    count: int = 1,
    *,
    target: int | None = None,
    directory: Path | None = None,
    dry_run: bool = False,
    lock_wait: float = LOCK_WAIT_SECONDS,
    notify: Notify = _say_nothing,
) -> MigrationRun:
    """Roll back the last ``count`` migrations, the last applied first.

    Args:
        db: connected.
        count: how many.
        target: roll back all above this number instead; 0 means all.
        directory: where the files are; None means those of the platform.
        dry_run: check and load everything and change nothing; no lock is taken.
        lock_wait: seconds to wait for another run on this database.
        notify: called with a sentence when the run waits, tries again, or meets something odd.

    Raises:
        MigrationRefusedError: when there are not as many, or one of them has no file or no ``down``;
            nothing was changed.
        MigrationFailedError: when one fails; it is undone, those rolled back before it stay so.
        LockTimeoutError: when another run held the lock all the time; nothing was changed.
        MigrationLockLostError: when the lock was lost on the way.
    """
    files, store = read_files(directory), await MigrationStore.open(db)

    async def plan() -> list[tuple[Migration, Step]]:
        rows = await store.rows()
        planned = plan_down(files, rows, count, target=target)
        _tell(planned, rows, State.CHANGED, notify)
        return _reversible(load_all(planned))

    if dry_run:
        return MigrationRun(planned=tuple(migration.file.name for migration, _ in await plan()))
    async with _locked(db, store, lock_wait, notify):
        steps = await plan()
        executor = await Executor.open(db, notify)
        return MigrationRun(reverted=await executor.run(steps, lambda file: store.remove(file.name)))


async def mark_applied(
    db: DatabaseInterface,
    names: Sequence[str] = (),
    *,
    through: int | None = None,
    directory: Path | None = None,
    lock_wait: float = LOCK_WAIT_SECONDS,
    notify: Notify = _say_nothing,
) -> tuple[str, ...]:
    """Record files as applied in their present text, without running them: the names that were not yet.

    It accepts an edited file, settles one that was applied by hand and, with ``through``, takes over a
    database that has the tables already.

    Args:
        db: connected.
        names: of files, without ``.py``.
        through: a number; all files up to it are meant, too.
        directory: where the files are; None means those of the platform.
        lock_wait: seconds to wait for another run on this database.
        notify: called with a sentence when the run waits.

    Raises:
        MigrationRefusedError: when a name or ``through`` is no file's; nothing was changed.
        LockTimeoutError: when another run held the lock all the time; nothing was changed.
        MigrationLockLostError: when the lock was lost on the way.
    """
    files, store = read_files(directory), await MigrationStore.open(db)
    plan_mark_applied(files, await store.rows(), names, through)  # refused before anything is waited for
    async with _locked(db, store, lock_wait, notify), db.transaction():
        await store.create()
        planned = plan_mark_applied(files, await store.rows(), names, through)
        for file in planned:
            await store.accept(file)
    return tuple(file.name for file in planned)


async def mark_pending(
    db: DatabaseInterface,
    names: Sequence[str],
    *,
    lock_wait: float = LOCK_WAIT_SECONDS,
    notify: Notify = _say_nothing,
) -> tuple[str, ...]:
    """Forget that migrations were applied, without reverting them: their names.

    It drops the row of a file that is gone, or of one that was reverted by hand. Arguments are those of
    ``mark_applied``.

    Raises:
        MigrationRefusedError: when one is not applied; nothing was changed.
        LockTimeoutError: when another run held the lock all the time; nothing was changed.
        MigrationLockLostError: when the lock was lost on the way.
    """
    store = await MigrationStore.open(db)
    async with _locked(db, store, lock_wait, notify), db.transaction():
        planned = plan_mark_pending(await store.rows(), names)
        for name in planned:
            await store.remove(name)
    return tuple(planned)


async def status(db: DatabaseInterface, *, directory: Path | None = None) -> list[MigrationStatus]:
    """Every migration as it stands, by number; takes no lock and changes nothing.

    Raises:
        MigrationRefusedError: when the files are bad, or the table is somebody else's.
    """
    files, store = read_files(directory), await MigrationStore.open(db)
    return plan_status(files, await store.rows())


@asynccontextmanager
async def _locked(
    db: DatabaseInterface, store: MigrationStore, wait: float, notify: Notify
) -> AsyncIterator[None]:
    failure, is_held = None, False
    try:
        async with AsyncExitStack() as stack:
            await _acquire(stack, db, store.lock_name, wait, notify)
            is_held = True
            try:
                yield
            except ConnectionLostError as error:
                failure = error
                raise
    except ConnectionLostError as error:
        if error is failure or not is_held:
            raise
        raise MigrationLockLostError(str(error)) from error


async def _acquire(
    stack: AsyncExitStack, db: DatabaseInterface, name: str, wait: float, notify: Notify
) -> None:
    quiet = min(wait, QUIET_SECONDS)
    try:
        await stack.enter_async_context(db.lock(name, timeout=quiet))
    except LockTimeoutError as error:
        if wait <= quiet:
            raise
        notify(f"waiting up to {wait - quiet:g} s more: {error}")
        await stack.enter_async_context(db.lock(name, timeout=wait - quiet))


def _tell(files: Sequence[MigrationFile], rows: Sequence[AppliedRow], state: State, notify: Notify) -> None:
    for found in plan_status(files, rows):
        if found.state is state:
            notify(f"migration {found.name!r} is {state}: {found.note}")


def _reversible(migrations: Sequence[Migration]) -> list[tuple[Migration, Step]]:
    if irreversible := [migration.file.name for migration in migrations if migration.down is None]:
        raise MigrationRefusedError(
            f"cannot roll back, nothing was changed: no down() in {', '.join(irreversible)}"
        )
    return [(migration, migration.down) for migration in migrations if migration.down is not None]
