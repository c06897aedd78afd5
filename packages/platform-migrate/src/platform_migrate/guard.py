"""Limits that a migration is kept within; on PostgreSQL there are more than on other databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from platform_interfaces import DatabaseError, DatabaseInterface, QueryError, TransactionAbortedError

LOCK_TIMEOUT_SECONDS = 3.0
LOCK_NOT_AVAILABLE = "55P03"
_HINTS = {  # by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
    "55P04": "add the value in a migration of its own, before the one that uses it",
    "25001": "it needs 'TRANSACTION = False' at the top of the file, and an execute() of its own",
}
_DUPLICATE_TABLE = "42P07"
_KEEP = (
    "'platform migrate mark {name} --applied' keeps the existing table and skips this migration; "
    "or rename that table, or use a schema of its own (search_path)"
)
_HIDDEN = """
    SELECT new.relname AS table, other.nspname AS schema
    FROM pg_class new JOIN pg_namespace own ON own.oid = new.relnamespace
    JOIN pg_class old ON old.relname = new.relname AND old.oid <> new.oid
    JOIN pg_namespace other ON other.oid = old.relnamespace
    WHERE own.nspname = $1 AND other.nspname = ANY ($2::text[]) AND other.nspname <> $1
        AND new.relkind IN ('r', 'p') AND old.relkind IN ('r', 'p')
"""


class TransactionEndedError(DatabaseError):
    """A migration ended the transaction it was run in, so that a rollback is not certain."""


class HiddenTableError(DatabaseError):
    """A migration made a table that hides one of another schema of the search_path."""


class Guard:
    """The guard for any database: it checks nothing."""

    def __init__(self, db: DatabaseInterface) -> None:
        self._db = db

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Watch a block, inside ``transaction()``, in which a migration runs.

        Raises:
            TransactionEndedError: when it ended that transaction.
            HiddenTableError: when it made a second table beside one that the search_path has.
        """
        yield

    async def restore_session(self) -> None:
        """Reset what a migration has changed of its session, while the transaction goes on."""

    async def find_invalid_indexes(self) -> list[str]:
        """Return the names of indexes whose build was started and never finished."""
        return []


class PostgresGuard(Guard):
    """The guard for PostgreSQL."""

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Watch a block that waits for a table's lock no longer than LOCK_TIMEOUT_SECONDS.

        All that comes after a waiting ALTER TABLE waits with it, readers too.
        """
        await self._db.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS * 1000:.0f}ms'")
        transaction_id = await self._transaction_id()
        path = await self._db.fetch_one("SELECT current_schema() AS own, current_schemas(false) AS schemas")
        schemas = list((path or {}).values())
        hidden = await self._db.fetch_all(_HIDDEN, schemas)
        try:
            yield
        except Exception as error:
            await self._check_same(transaction_id, error)
            raise
        await self._check_same(transaction_id)
        with suppress(TransactionAbortedError):  # raised at the end of the transaction, with its cause
            for row in await self._db.fetch_all(_HIDDEN, schemas):
                if row not in hidden:
                    raise _hidden_error(schemas[0], **row)

    async def restore_session(self) -> None:
        await self._db.execute("RESET ALL")
        await self._db.execute("RESET SESSION AUTHORIZATION")  # RESET ALL leaves roles as they are
        await self._db.execute("RESET ROLE")

    async def find_invalid_indexes(self) -> list[str]:
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


async def choose_guard(db: DatabaseInterface) -> Guard:
    """Return the guard for ``db``, which is asked what it is."""
    try:
        row = await db.fetch_one("SELECT version() AS version")
    except QueryError:
        row = None
    is_postgres = row is not None and str(row["version"]).startswith("PostgreSQL ")
    return PostgresGuard(db) if is_postgres else Guard(db)


def find_sqlstate(error: BaseException) -> str | None:
    """Return the code of the driver's error that ``error`` was raised from, or None."""
    code = getattr(error.__cause__, "sqlstate", None)
    return code if isinstance(code, str) else None


def advise(error: BaseException, name: str) -> str:
    """Return what to do about an error of migration ``name``, in brackets; empty without advice."""
    code = find_sqlstate(error)
    is_duplicate = code == _DUPLICATE_TABLE or (code is None and "already exists" in str(error))
    is_kept = is_duplicate or isinstance(error, HiddenTableError)
    advice = _KEEP.format(name=name) if is_kept else _HINTS.get(code or "")
    return f" ({advice})" if advice else ""


def _hidden_error(own: str, table: str, schema: str) -> HiddenTableError:
    return HiddenTableError(
        f"it makes a second table {own}.{table} beside {schema}.{table}, which the search_path "
        "would no longer find"
    )
