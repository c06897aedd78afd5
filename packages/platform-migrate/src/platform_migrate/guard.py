"""What keeps a migration within its bounds: PostgreSQL can be asked for more of it than other databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from platform_interfaces import DatabaseError, DatabaseInterface, QueryError

LOCK_TIMEOUT_SECONDS = 3.0
LOCK_NOT_AVAILABLE = "55P03"
_HINTS = {  # by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
    "55P04": "add the value in a migration of its own, before the one that uses it",
    "25001": "it needs 'TRANSACTION = False' at the top of the file, and an execute() of its own",
}


class TransactionEndedError(DatabaseError):
    """A migration ended the transaction it was run in, so that nothing is certain to be undone."""


class Guard:
    """For any database: its own promises are all there is."""

    def __init__(self, db: DatabaseInterface) -> None:
        self._db = db

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """A block, inside ``transaction()``, that a migration runs in.

        Raises:
            TransactionEndedError: when it ended that transaction.
        """
        yield

    async def restore_session(self) -> None:
        """Take back what a migration has changed of its session, while the transaction goes on."""

    async def invalid_indexes(self) -> list[str]:
        """The names of indexes that were begun and never finished."""
        return []


class PostgresGuard(Guard):
    """For PostgreSQL."""

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """A block that waits for a table's lock no longer than LOCK_TIMEOUT_SECONDS.

        Whoever comes after a waiting ALTER TABLE waits with it, mere readers too.
        """
        await self._db.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS * 1000:.0f}ms'")
        transaction_id = await self._transaction_id()
        try:
            yield
        except Exception as error:
            await self._check_same(transaction_id, error)
            raise
        await self._check_same(transaction_id)

    async def restore_session(self) -> None:
        await self._db.execute("RESET ALL")
        await self._db.execute("RESET SESSION AUTHORIZATION")  # RESET ALL leaves roles as they are
        await self._db.execute("RESET ROLE")

    async def invalid_indexes(self) -> list[str]:
        rows = await self._db.fetch_all(
            "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE NOT indisvalid"
        )
        return sorted(row["relname"] for row in rows)

    async def _check_same(self, transaction_id: str, cause: Exception | None = None) -> None:
        now = transaction_id
        with suppress(DatabaseError):  # a transaction that an error has aborted goes on, and cannot be asked
            now = await self._transaction_id()
        if now != transaction_id:
            raise TransactionEndedError(
                "it ended its own transaction (COMMIT or ROLLBACK): what it has committed is permanent"
                + (f"; then {cause}" if cause else "")
            ) from cause

    async def _transaction_id(self) -> str:
        row = await self._db.fetch_one("SELECT pg_current_xact_id()::text AS id")
        return str(row and row["id"])


async def guard_for(db: DatabaseInterface) -> Guard:
    """The guard for the database behind ``db``, which is asked what it is."""
    try:
        row = await db.fetch_one("SELECT version() AS version")
    except QueryError:
        row = None
    is_postgres = row is not None and str(row["version"]).startswith("PostgreSQL ")
    return PostgresGuard(db) if is_postgres else Guard(db)


def sqlstate(error: BaseException) -> str | None:
    """The code that the driver's error bears, which ours has been raised from."""
    code = getattr(error.__cause__, "sqlstate", None)
    return code if isinstance(code, str) else None


def hint(error: BaseException) -> str:
    """What to do about an error, in brackets, where the message alone leads nowhere."""
    advice = _HINTS.get(sqlstate(error) or "")
    return f" ({advice})" if advice else ""
