"""``up``, ``down``, ``mark_…`` and ``status``: one process at a time, all is checked before anything runs.

What several of them take:

    db         a connected database
    sources    the folders of migrations, each owner's once, in the order they are applied in; the platform's
               unless given
    dry_run    check and load everything, take no lock and change nothing
    lock_wait  the seconds to wait for another run on the same database; one lock is for all owners
    notify     called with a sentence when the run waits, tries again, or finds something unusual

All but ``status`` raise ``LockTimeoutError`` when another run had the lock all the time, and nothing was
changed; and ``MigrationLockLostError`` when the lock was lost on the way.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from platform_interfaces import DatabaseInterface
from platform_migrate.errors import MigrationRefusedError
from platform_migrate.executor import Executor
from platform_migrate.files import MigrationFile, Source, read_files, read_sources
from platform_migrate.loading import Migration, Step, load_all
from platform_migrate.locking import LOCK_WAIT_SECONDS, Notify, hold_lock, ignore
from platform_migrate.planner import plan_down, plan_mark_applied, plan_mark_pending, plan_up
from platform_migrate.status import AppliedRow, MigrationStatus, State, plan_status
from platform_migrate.store import MigrationStore


@dataclass(frozen=True)
class MigrationRun:
    """The names of what a run has applied or reverted, or, in a dry run, would have; in that order."""

    applied: tuple[str, ...] = ()
    reverted: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()


async def up(
    db: DatabaseInterface,
    target: int | None = None,
    *,
    sources: Sequence[Source] = (Source(),),
    allow_out_of_order: bool = False,
    dry_run: bool = False,
    lock_wait: float = LOCK_WAIT_SECONDS,
    notify: Notify = ignore,
) -> MigrationRun:
    """Apply what is pending, source by source; with nothing pending, no lock is taken.

    Every file is read, checked and loaded before the first one runs. Rows of other owners are left alone.

    Args:
        db: see above, as all arguments that are not listed here.
        target: the number of the last migration to apply of the last source; None means all.
        allow_out_of_order: also apply those below the highest applied number.

    Raises:
        MigrationRefusedError: when files are bad or do not fit what is applied, or ``target`` is unknown or
            below what is applied; nothing was changed.
        MigrationFailedError: when one fails; it is rolled back, those before it stay.
    """
    files, store = read_sources(sources), await MigrationStore.open(db)
    owners = [source.owner for source in sources]

    def plan(rows: Sequence[AppliedRow]) -> list[MigrationFile]:
        return plan_up(files, rows, target, owners=owners, allow_out_of_order=allow_out_of_order)

    rows = await store.fetch_rows()
    planned = plan(rows)
    _notify_of(State.AHEAD, plan_status(files, rows, owners), notify)
    if not planned:
        return MigrationRun()
    store.check_new_tables()
    if dry_run:
        return MigrationRun(planned=tuple(one.file.name for one in load_all(planned)))
    async with hold_lock(db, store.lock_name, lock_wait, notify):
        await store.create()
        migrations = load_all(plan(await store.fetch_rows()))
        executor = await Executor.open(db, notify)
        return MigrationRun(applied=await executor.run([(one, one.up) for one in migrations], store.add))


async def down(
    db: DatabaseInterface,
    count: int = 1,
    *,
    target: int | None = None,
    source: Source = Source(),  # noqa: B008 - it is immutable
    dependents: Collection[str] = (),
    dry_run: bool = False,
    lock_wait: float = LOCK_WAIT_SECONDS,
    notify: Notify = ignore,
) -> MigrationRun:
    """Roll back the last ``count`` migrations of one owner, the last applied first.

    Args:
        db: see above, as all arguments that are not listed here.
        count: how many.
        target: roll back all above this number instead; 0 means all.
        source: the folder and its owner.
        dependents: the owners whose migrations may rest on those of this one; all may on the platform's.

    Raises:
        MigrationRefusedError: when there are not as many, one has no file or no ``down``, or one of a
            dependent was applied after it; nothing was changed.
        MigrationFailedError: when one fails; it stays applied, those before it are rolled back.
    """
    files, store = read_files(source), await MigrationStore.open(db)

    async def plan() -> list[tuple[Migration, Step]]:
        rows = await store.fetch_rows()
        planned = plan_down(files, rows, count, target=target, owner=source.owner, dependents=dependents)
        _notify_of(State.CHANGED, plan_status(planned, rows, [source.owner]), notify)
        return _pair_with_down(load_all(planned))

    if dry_run:
        return MigrationRun(planned=tuple(migration.file.name for migration, _ in await plan()))
    async with hold_lock(db, store.lock_name, lock_wait, notify):
        steps = await plan()
        executor = await Executor.open(db, notify)
        return MigrationRun(reverted=await executor.run(steps, lambda file: store.remove(file.name)))


async def mark_applied(
    db: DatabaseInterface,
    names: Sequence[str] = (),
    *,
    through: int | None = None,
    sources: Sequence[Source] = (Source(),),
    lock_wait: float = LOCK_WAIT_SECONDS,
    notify: Notify = ignore,
) -> tuple[str, ...]:
    """Record files as applied in their present text, without running them; return the names that were not.

    It accepts an edited file, settles one that was applied by hand and, with ``through``, takes over a
    database that has the tables already.

    Args:
        db: see above, as all arguments that are not listed here.
        names: as they are recorded: ``003_create_users``, ``billing/001_create_invoices``.
        through: a number; all files of the last source up to it are recorded, too.

    Raises:
        MigrationRefusedError: when no file has such a name or number; nothing was changed.
    """
    files, store = read_sources(sources), await MigrationStore.open(db)

    async def plan() -> list[MigrationFile]:
        return plan_mark_applied(files, await store.fetch_rows(), names, through, owner=sources[-1].owner)

    await plan()  # refused before any wait
    async with hold_lock(db, store.lock_name, lock_wait, notify), db.transaction():
        await store.create()
        planned = await plan()
        for file in planned:
            await store.accept(file)
    return tuple(file.name for file in planned)


async def mark_pending(
    db: DatabaseInterface,
    names: Sequence[str],
    *,
    lock_wait: float = LOCK_WAIT_SECONDS,
    notify: Notify = ignore,
) -> tuple[str, ...]:
    """Forget that migrations were applied, without rolling them back; return their names.

    It deletes the row of a file that is gone, or of one that was rolled back by hand. The arguments are those
    of ``mark_applied``; a name may be of any owner.

    Raises:
        MigrationRefusedError: when one is not applied; nothing was changed.
    """
    store = await MigrationStore.open(db)
    async with hold_lock(db, store.lock_name, lock_wait, notify), db.transaction():
        planned = plan_mark_pending(await store.fetch_rows(), names)
        for name in planned:
            await store.remove(name)
    return tuple(planned)


async def status(db: DatabaseInterface, *, sources: Sequence[Source] = (Source(),)) -> list[MigrationStatus]:
    """Return the state of every migration, source by source and by number; take no lock and change nothing.

    Rows of owners that are not among ``sources`` come last, as not installed.

    Raises:
        MigrationRefusedError: when files are bad, or another tool made the table.
    """
    files, store = read_sources(sources), await MigrationStore.open(db)
    return plan_status(files, await store.fetch_rows(), [source.owner for source in sources])


def _notify_of(state: State, statuses: Sequence[MigrationStatus], notify: Notify) -> None:
    for status in statuses:
        if status.state is state:
            notify(f"migration {status.name!r} is {state}: {status.note}")


def _pair_with_down(migrations: Sequence[Migration]) -> list[tuple[Migration, Step]]:
    if irreversible := [migration.file.name for migration in migrations if migration.down is None]:
        raise MigrationRefusedError(
            f"cannot roll back, nothing was changed: no down() in {', '.join(irreversible)}"
        )
    return [(migration, migration.down) for migration in migrations if migration.down is not None]
