"""Carries out what was planned, one transaction a migration, one process at a time."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from platform_interfaces import DatabaseInterface, MigrationError
from platform_migrate.files import Migration, load, read_files
from platform_migrate.planner import MigrationStatus, plan_down, plan_status, plan_up
from platform_migrate.store import MigrationStore

LOCK_WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class MigrationRun:
    """The names of what a run has applied and reverted, in that order."""

    applied: tuple[str, ...] = ()
    reverted: tuple[str, ...] = ()


class MigrationFailedError(MigrationError):
    """A migration failed and was undone; ``done`` stands, ``failed`` and ``remaining`` do not."""

    def __init__(self, failed: str, done: Sequence[str], remaining: Sequence[str], cause: Exception) -> None:
        """Names of migrations, and why the one failed."""
        self.failed, self.done, self.remaining = failed, tuple(done), tuple(remaining)
        super().__init__(
            f"migration {failed!r} failed: {cause}; done before it: {', '.join(done) or 'none'}; "
            f"not tried: {', '.join(remaining) or 'none'}"
        )


async def up(
    db: DatabaseInterface,
    target: int | None = None,
    *,
    directory: Path | None = None,
    lock_wait: float = LOCK_WAIT_SECONDS,
) -> MigrationRun:
    """Apply what is pending, up to and with number ``target``; with nothing pending, no lock is taken.

    Every file is read, checked and loaded before the first one runs.

    Args:
        db: connected.
        target: the number of a migration; None means all.
        directory: where the files are; None means those of the platform.
        lock_wait: seconds to wait for another run on this database.

    Raises:
        ValueError: when ``target`` is no migration, or below what is applied.
        MigrationError: when the files are bad or do not fit what is applied; nothing was changed.
        MigrationFailedError: when one fails; it is undone, those before it stay.
        LockTimeoutError: when another run held the lock all the time.
    """
    files, store = read_files(directory), MigrationStore(db)
    if not plan_up(files, await store.rows(), target):
        return MigrationRun()
    async with db.lock(await store.lock_name(), timeout=lock_wait):
        await store.create()
        planned = [load(file) for file in plan_up(files, await store.rows(), target)]
        done: list[str] = []
        for migration in planned:
            try:
                async with _unit(db, migration):
                    await migration.up(db)
                    await store.add(migration.file)
            except Exception as error:
                raise _failure(planned, done, error) from error
            done.append(migration.file.name)
    return MigrationRun(applied=tuple(done))


async def down(
    db: DatabaseInterface,
    count: int = 1,
    *,
    directory: Path | None = None,
    lock_wait: float = LOCK_WAIT_SECONDS,
) -> MigrationRun:
    """Roll back the last ``count`` migrations, the last applied first; the arguments are those of ``up``.

    Raises:
        ValueError: when ``count`` is not between 1 and the number of migrations applied.
        MigrationError: when one of them has no file or no ``down``; nothing was changed.
        MigrationFailedError: when one fails; it is undone, those rolled back before it stay so.
        LockTimeoutError: when another run held the lock all the time.
    """
    files, store = read_files(directory), MigrationStore(db)
    async with db.lock(await store.lock_name(), timeout=lock_wait):
        planned = [load(file) for file in plan_down(files, await store.rows(), count)]
        if irreversible := [migration.file.name for migration in planned if migration.down is None]:
            raise MigrationError(
                f"cannot roll back, nothing was changed: no down() in {', '.join(irreversible)}"
            )
        done: list[str] = []
        for migration in planned:
            try:
                async with _unit(db, migration):
                    await store.remove(migration.file)  # first, for 001 drops the table itself
                    if migration.down is not None:
                        await migration.down(db)
            except Exception as error:
                raise _failure(planned, done, error) from error
            done.append(migration.file.name)
    return MigrationRun(reverted=tuple(done))


async def status(db: DatabaseInterface, *, directory: Path | None = None) -> list[MigrationStatus]:
    """Every migration as it stands, by number; takes no lock and changes nothing.

    Raises:
        MigrationError: when the files are bad.
    """
    return plan_status(read_files(directory), await MigrationStore(db).rows())


def _unit(db: DatabaseInterface, migration: Migration) -> AbstractAsyncContextManager[None]:
    return db.transaction() if migration.is_transactional else nullcontext()


def _failure(planned: Sequence[Migration], done: Sequence[str], cause: Exception) -> MigrationFailedError:
    failed, *remaining = [migration.file.name for migration in planned][len(done) :]
    return MigrationFailedError(failed, done, remaining, cause)
