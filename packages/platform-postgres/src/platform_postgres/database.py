"""PostgreSQL over asyncpg."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import asyncpg

from platform_interfaces import (
    DatabaseInterface,
    MissingSecretError,
    NotConnectedError,
    PlatformError,
    Row,
    SecretsInterface,
    check_bulk_insert,
    split_table,
)
from platform_postgres._advisory_lock import held
from platform_postgres._bulk.insert import BulkInsert
from platform_postgres._bulk.plan import make_plan
from platform_postgres._connection import GRACE_SECONDS, open_lasting_connection, open_pool, take
from platform_postgres._connection_url import URL_FORM
from platform_postgres._errors import translated
from platform_postgres._numbers import prepare
from platform_postgres._rows import count_affected, make_rows, refuse_equal_names
from platform_postgres._settings import PoolSettings
from platform_postgres._target import URL_SETTING, Target, describe, read_target
from platform_postgres._transaction import Transaction, begun, call, savepoint

if TYPE_CHECKING:
    from platform_postgres._connection import Connection, Pool

CLOSE_TIMEOUT_SECONDS = 10.0
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
        self._pool: Pool | None = None
        self._target: Target  # since connect()
        self._changing = asyncio.Lock()  # held by connect and disconnect
        self._transaction: ContextVar[Transaction | None] = ContextVar("transaction", default=None)

    async def connect(self) -> None:
        """Open the pool.

        Raises:
            MissingSecretError: when ``DB_POSTGRES_URL`` is not set.
        """
        async with self._changing:
            if self._pool is None:
                self._target = await self._locate()
                self._pool = await open_pool(self._target, self._settings)

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
        """``user@host:port/name`` as the URL and the ``PG*`` variables say; no password."""
        url = self._secrets.get(URL_SETTING)
        return describe(url, self._secrets) if url else f"unknown: {URL_SETTING} is not set"

    async def disconnect(self) -> None:
        """Close the pool; what is still in use after ten seconds is cut off."""
        async with self._changing:
            pool, self._pool = self._pool, None
            if pool is None:
                return
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    def is_connected(self) -> bool:
        return self._pool is not None

    async def execute(self, query: str, params: Sequence[Any] | None = None) -> int:
        async with self._session() as connection:
            if not params:
                return count_affected(await connection.execute(query))
            statement = await prepare(connection, query, params)
            await statement.fetch(*params)
            return count_affected(statement.get_statusmsg() or "")

    async def fetch_one(self, query: str, params: Sequence[Any] | None = None) -> Row | None:
        async with self._session() as connection:
            statement = await prepare(connection, query, params or ())
            refuse_equal_names(statement)
            record = await statement.fetchrow(*(params or ()))
        return None if record is None else dict(record)

    async def fetch_all(self, query: str, params: Sequence[Any] | None = None) -> list[Row]:
        async with self._session() as connection:
            statement = await prepare(connection, query, params or ())
            refuse_equal_names(statement)
            records = await statement.fetch(*(params or ()))
        return make_rows(records)

    async def stream(self, query: str, params: Sequence[Any] | None = None) -> AsyncGenerator[Row, None]:
        """The rows of a SELECT or VALUES through a cursor on the server, a thousand at a time.

        Inside ``transaction()`` the cursor is closed before the next statement; where the loop is left early,
        use ``contextlib.aclosing``, for otherwise the generator itself may live on a little longer.
        """
        async with AsyncExitStack() as stack:
            transaction = self._current()
            if transaction is None:  # not through transaction(): the consumer's other queries would join it
                transaction = self._new_transaction(await stack.enter_async_context(self._acquired()))
                await stack.enter_async_context(begun(transaction))
            cursor = f"platform_{next(_cursor_numbers)}"
            stack.callback(transaction.ended_cursors.append, cursor)
            async with call(transaction) as connection:
                declare = await prepare(
                    connection, f"DECLARE {cursor} NO SCROLL CURSOR FOR {query}", params or ()
                )
                await declare.fetch(*(params or ()))
                page = await connection.prepare(f"FETCH FORWARD {STREAM_ROWS} FROM {cursor}")
                refuse_equal_names(page)
            is_more = True
            while is_more:
                async with call(transaction):
                    records = await page.fetch()
                for row in make_rows(records):
                    yield row
                is_more = len(records) == STREAM_ROWS

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        if outer := self._current():
            async with savepoint(outer):
                yield
            return
        async with self._acquired() as connection:
            transaction = self._new_transaction(connection)
            transaction.task = asyncio.current_task()
            self._transaction.set(transaction)
            try:
                async with begun(transaction):
                    yield
            finally:  # the variable is not reset: a generator left early is closed in another context
                transaction.task = None

    async def bulk_insert(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        skip_conflicts_on: Sequence[str] = (),
        batch_size: int | None = None,
    ) -> int:
        """Insert by COPY; what refuses COPY, such as a view, gets INSERTs, and counts every row sent."""
        if not rows:
            return 0
        split_table(table)
        columns = check_bulk_insert(rows, skip_conflicts_on, batch_size)
        # The transaction keeps the table as it is from when its types are read until COPY has sent its bytes.
        async with self.transaction():
            async with self._session() as connection:
                plan = await make_plan(connection, table, columns, is_staged=bool(skip_conflicts_on))
            insert = BulkInsert(connection, plan, rows, key=skip_conflicts_on, batch_size=batch_size)
            return await insert.run()

    @asynccontextmanager
    async def lock(self, name: str, *, timeout: float) -> AsyncIterator[None]:
        """A session-level advisory lock; the error of a timeout names who holds it.

        When the server restarts inside the block, the lock is taken again, unless somebody else is faster or
        the server stays away for half a minute.

        Raises:
            ConnectionLostError: when the lock was lost inside the block, which is cancelled at once.
        """
        if self._pool is None:
            raise _not_connected()
        async with held(partial(open_lasting_connection, self._target, self._settings), name, timeout):
            yield

    async def health_check(self) -> bool:
        """Whether the server answers within five seconds."""
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_SECONDS):
                return await self.fetch_one("SELECT 1 AS one") is not None
        except (PlatformError, TimeoutError):
            return False

    def _current(self) -> Transaction | None:
        """The transaction that the calling task opened; a task it started inherits the variable only."""
        transaction = self._transaction.get()
        if transaction is not None and transaction.task is asyncio.current_task():
            return transaction
        return None

    def _new_transaction(self, connection: Connection) -> Transaction:
        return Transaction(connection, self._settings.control_timeout_seconds + GRACE_SECONDS)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Connection]:
        """The connection for one call, with the driver's errors told as ours."""
        transaction = self._current()
        if transaction is None:
            async with self._acquired() as connection:
                with translated():
                    yield connection
            return
        async with call(transaction) as connection:
            yield connection

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Connection]:
        pool = self._pool
        if pool is None:
            raise _not_connected()
        try:
            connection = await take(pool, self._target, self._settings.control_timeout_seconds)
        except PlatformError as error:
            if self._pool is not pool:  # disconnect() was called meanwhile
                raise _not_connected() from error
            raise
        try:
            if self._pool is not pool:
                raise _not_connected()
            yield connection
        finally:
            # What was asked for is done or has failed by now; a connection that cannot be reset is dropped.
            with contextlib.suppress(
                asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError
            ):
                await pool.release(connection, timeout=CLOSE_TIMEOUT_SECONDS)


def _not_connected() -> NotConnectedError:
    return NotConnectedError("the database is not connected: call connect() first")
