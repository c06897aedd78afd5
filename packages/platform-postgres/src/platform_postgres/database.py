"""PostgreSQL over asyncpg."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any

from platform_interfaces import (
    Check,
    DatabaseInterface,
    MissingSecretError,
    PlatformError,
    QueryResult,
    Row,
    SecretsInterface,
    check_bulk_insert,
    split_table,
)
from platform_postgres._advisory_lock import HELD_LOCK, advisory_lock, lock_key
from platform_postgres._bulk.insert import BulkInsert
from platform_postgres._bulk.plan import make_plan
from platform_postgres._checks import ServerChecks
from platform_postgres._connection import limit_statement, open_lasting_connection
from platform_postgres._connection_url import URL_FORM
from platform_postgres._numbers import prepare
from platform_postgres._query import open_query
from platform_postgres._rows import count_affected, make_rows, refuse_equal_names
from platform_postgres._sessions import Sessions
from platform_postgres._settings import PoolSettings
from platform_postgres._target import URL_SETTING, Target, describe, read_target
from platform_postgres._transaction import use_connection

HEALTH_TIMEOUT_SECONDS = 5.0
STREAM_ROWS = 1000
_cursor_numbers = count(1)


class PostgresDatabase(DatabaseInterface):
    """A pool of connections to the server that ``DB_POSTGRES_URL`` names.

    The URL must lead to the server itself: a pooler that hands one server connection to several clients
    cannot keep sessions, and with them locks and settings, apart.

    Inside ``transaction()`` use ``asyncio.timeout`` rather than ``asyncio.wait_for``: before Python 3.12 the
    latter runs its argument in a task of its own, which does not join the transaction.
    """

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the pool's settings; nothing is opened.

        Raises:
            ConfigurationError: when one of them has a bad value.
        """
        self._secrets = secrets
        self._settings = PoolSettings.read(secrets)
        self._sessions = Sessions(self._settings)
        self._changing = asyncio.Lock()  # held by connect and disconnect

    async def connect(self) -> None:
        """Open the pool.

        Raises:
            MissingSecretError: when ``DB_POSTGRES_URL`` is not set.
        """
        async with self._changing:
            if not self._sessions.is_open:
                await self._sessions.open(await self._locate())

    async def _locate(self) -> Target:
        """Return what to connect with."""
        url = self._secrets.get(URL_SETTING)
        if not url:
            missing = self._secrets.explain_missing(URL_SETTING)
            raise MissingSecretError(f"{missing}; set it to {URL_FORM}")
        return read_target(
            url,
            self._secrets,
            timeout_seconds=self._settings.connect_timeout_seconds,
        )

    @property
    def location(self) -> str:
        """Return ``user@host:port/name`` from the URL and the ``PG*`` variables; no password."""
        url = self._secrets.get(URL_SETTING)
        return describe(url, self._secrets) if url else f"unknown: {URL_SETTING} is not set"

    async def disconnect(self) -> None:
        """Close the pool; terminate the connections that are still in use after ten seconds."""
        async with self._changing:
            await self._sessions.close()

    def is_connected(self) -> bool:
        return self._sessions.is_open

    async def execute(
        self, query: str, params: Sequence[Any] | None = None, *, timeout: float | None = None
    ) -> int:
        async with self._sessions.session() as connection, limit_statement(connection, timeout) as limit:
            if not params:
                return count_affected(await connection.execute(query, timeout=limit))
            statement = await prepare(connection, query, params)
            await statement.fetch(*params, timeout=limit)
            return count_affected(statement.get_statusmsg() or "")

    async def fetch_one(self, query: str, params: Sequence[Any] | None = None) -> Row | None:
        async with self._sessions.session() as connection:
            statement = await prepare(connection, query, params or ())
            refuse_equal_names(statement)
            record = await statement.fetchrow(*(params or ()))
        return None if record is None else dict(record)

    async def fetch_all(self, query: str, params: Sequence[Any] | None = None) -> list[Row]:
        async with self._sessions.session() as connection:
            statement = await prepare(connection, query, params or ())
            refuse_equal_names(statement)
            records = await statement.fetch(*(params or ()))
        return make_rows(records)

    async def stream(self, query: str, params: Sequence[Any] | None = None) -> AsyncGenerator[Row, None]:
        """Yield the rows of a SELECT or VALUES through a cursor on the server, a thousand at a time.

        Inside ``transaction()`` the cursor is closed before the next statement; where the loop is left early,
        use ``contextlib.aclosing``: otherwise the generator itself may live on for a while.
        """
        cursor = f"platform_{next(_cursor_numbers)}"
        async with self._sessions.cursor_transaction() as transaction:
            try:
                async with use_connection(transaction) as connection:
                    declaration = f"DECLARE {cursor} NO SCROLL CURSOR FOR {query}"
                    declare = await prepare(connection, declaration, params or ())
                    await declare.fetch(*(params or ()))
                    page = await connection.prepare(f"FETCH FORWARD {STREAM_ROWS} FROM {cursor}")
                    refuse_equal_names(page)
                is_more = True
                while is_more:
                    async with use_connection(transaction):
                        records = await page.fetch()
                    is_more = len(records) == STREAM_ROWS
                    for row in make_rows(records):
                        yield row
            finally:
                transaction.ended_cursors.append(cursor)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        async with self._sessions.transaction():
            yield

    @asynccontextmanager
    async def open_query(self, query: str, *, is_read_only: bool) -> AsyncIterator[QueryResult]:
        async with (
            self._sessions.unopened_transaction(is_read_only=is_read_only) as transaction,
            open_query(transaction, query) as result,
        ):
            yield result

    async def bulk_insert(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        skip_conflicts_on: Sequence[str] = (),
        batch_size: int | None = None,
    ) -> int:
        """Insert by COPY; a view, or a type that COPY lacks, gets INSERTs, and counts each row sent."""
        if not rows:
            return 0
        split_table(table)
        columns = check_bulk_insert(rows, skip_conflicts_on, batch_size)
        # The transaction keeps the table from being altered between the reading of its types and the COPY.
        async with self.transaction():
            async with self._sessions.session() as connection:
                plan = await make_plan(connection, table, columns, is_staged=bool(skip_conflicts_on))
            insert = BulkInsert(connection, plan, rows, key=skip_conflicts_on, batch_size=batch_size)
            return await insert.run()

    @asynccontextmanager
    async def lock(self, name: str, *, timeout: float) -> AsyncIterator[None]:
        """Hold a session-level advisory lock; the error of a timeout names the session that holds it.

        When the server restarts inside the block, the lock is taken again, unless another session is faster
        or the server stays away for half a minute.

        Raises:
            ConnectionLostError: when the lock was lost inside the block, which is cancelled at once.
        """
        connect = partial(open_lasting_connection, self._sessions.target, self._settings)
        async with advisory_lock(connect, name, timeout):
            yield

    async def is_locked(self, name: str) -> bool:
        """Ask the server, on a connection of the pool."""
        found = await self.fetch_one(f"SELECT EXISTS (SELECT {HELD_LOCK}) AS is_held", [lock_key(name)])
        return bool(found and found["is_held"])

    async def health_check(self) -> bool:
        """Return whether the server answers within five seconds."""
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_SECONDS):
                return await self.fetch_one("SELECT 1 AS one") is not None
        except (PlatformError, TimeoutError):
            return False

    def list_checks(self) -> Sequence[Check]:
        """Return checks of version, encoding, TLS, poolers, and limits of connections and of time."""
        return ServerChecks(self._sessions, self._settings).list_checks()
