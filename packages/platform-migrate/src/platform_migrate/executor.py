"""Running migrations one by one, each with its row: both or neither, where it has a transaction."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from platform_interfaces import DatabaseError, DatabaseInterface, PlatformError, TransactionAbortedError
from platform_migrate.errors import MigrationFailedError
from platform_migrate.files import MigrationFile
from platform_migrate.guard import LOCK_NOT_AVAILABLE, Guard, advise, choose_guard, find_sqlstate
from platform_migrate.loading import Migration, Step
from platform_migrate.locking import Notify

Record = Callable[[MigrationFile], Awaitable[None]]

RETRY_PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0)


class _UnfinishedIndexError(DatabaseError):
    """A migration left an index that PostgreSQL does not use."""


class Executor:
    """Runs steps of migrations on ``db``; ``notify`` is called with what is worth a warning."""

    def __init__(self, db: DatabaseInterface, guard: Guard, notify: Notify) -> None:
        self._db, self._guard, self._notify = db, guard, notify

    @classmethod
    async def open(cls, db: DatabaseInterface, notify: Notify) -> "Executor":
        """Return an executor with the guard for the kind of database that ``db`` is."""
        return cls(db, await choose_guard(db), notify)

    async def run(self, steps: Sequence[tuple[Migration, Step]], record: Record) -> tuple[str, ...]:
        """Run all ``steps`` and return the names of their migrations; ``record`` writes a row after each.

        Raises:
            MigrationFailedError: at the first that fails.
        """
        names = [migration.file.name for migration, _ in steps]
        for index, (migration, step) in enumerate(steps):
            run_one = self._in_transaction if migration.is_transactional else self._without_transaction
            try:
                await run_one(migration.file, step, record)
            except (Exception, SystemExit) as error:
                reason = _one_line(error) + advise(error, migration.file.name)
                if not migration.is_transactional:
                    reason += "; it has no transaction: what it did stays, and it starts from its top again"
                raise MigrationFailedError(reason, names[index], names[:index], names[index + 1 :]) from error
        return tuple(names)

    async def _in_transaction(self, file: MigrationFile, step: Step, record: Record) -> None:
        for pause in (*RETRY_PAUSES_SECONDS, None):
            try:
                await self._try_in_transaction(file, step, record)
            except DatabaseError as error:
                if pause is None or find_sqlstate(error) != LOCK_NOT_AVAILABLE:
                    raise
                self._notify(
                    f"migration {file.name!r} was rolled back, next try in {pause:g} s: {_one_line(error)}"
                )
                await asyncio.sleep(pause)
            else:
                return

    async def _try_in_transaction(self, file: MigrationFile, step: Step, record: Record) -> None:
        async with self._db.transaction():
            async with self._guard.watch():
                await step(self._db)
            # If the step swallowed an error, the transaction raises at its end, and names that one.
            with suppress(TransactionAbortedError):
                await self._guard.restore_session()
                await record(file)  # last: written before the step, it would hide such an error

    async def _without_transaction(self, file: MigrationFile, step: Step, record: Record) -> None:
        # Without a lock_timeout: it would leave an index unfinished.
        await step(self._db)
        for index in await self._guard.find_invalid_indexes():
            problem = f"index {index!r} is not valid: its build was started and never finished"
            if re.search(rf"\b{re.escape(index)}\b", file.text):
                raise _UnfinishedIndexError(
                    f"{problem}; start with DROP INDEX CONCURRENTLY IF EXISTS {index}"
                )
            self._notify(problem)
        await record(file)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, PlatformError) else f"{type(error).__name__}: {text}".removesuffix(": ")
