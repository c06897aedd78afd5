"""The pool's connections, each for one call or for the transaction of one task."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import asyncpg

from platform_interfaces import NotConnectedError, PlatformError
from platform_postgres._connection import GRACE_SECONDS, open_pool, take
from platform_postgres._errors import translate_errors
from platform_postgres._settings import PoolSettings
from platform_postgres._target import Target
from platform_postgres._transaction import Transaction, open_savepoint, open_transaction, use_connection

if TYPE_CHECKING:
    from platform_postgres._connection import Connection, Pool

CLOSE_TIMEOUT_SECONDS = 10.0


class Sessions:
    """A pool of connections to one target; a task's calls join the transaction that it has open."""

    def __init__(self, settings: PoolSettings) -> None:
        """Open nothing."""
        self._settings = settings
        self._pool: Pool | None = None
        self._target: Target  # since open()
        self._transaction: ContextVar[Transaction | None] = ContextVar("transaction", default=None)

    async def open(self, target: Target) -> None:
        """Open the pool; the errors are those of ``open_pool``."""
        self._pool = await open_pool(target, self._settings)
        self._target = target

    async def close(self) -> None:
        """Close the pool; terminate the connections that are still in use after ten seconds."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @property
    def is_open(self) -> bool:
        """Return whether ``open`` has succeeded, and ``close`` was not called."""
        return self._pool is not None

    @property
    def target(self) -> Target:
        """Return what the connections lead to.

        Raises:
            NotConnectedError: when the pool is not open.
        """
        if self._pool is None:
            raise _not_connected()
        return self._target

    def current(self) -> Transaction | None:
        """Return the transaction that the calling task has open.

        A task that it started inherits the variable, and does not join the transaction.
        """
        transaction = self._transaction.get()
        if transaction is not None and transaction.task is asyncio.current_task():
            return transaction
        return None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """Yield the connection for one call; translate the driver's errors."""
        transaction = self.current()
        if transaction is None:
            async with self.acquire() as connection:
                with translate_errors():
                    yield connection
            return
        async with use_connection(transaction) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Open a transaction that the calling task's calls join; a savepoint where it has one open."""
        if outer := self.current():
            async with open_savepoint(outer):
                yield
            return
        async with self.acquire() as connection:
            transaction = self._new_transaction(connection)
            transaction.task = asyncio.current_task()
            self._transaction.set(transaction)
            try:
                async with open_transaction(transaction):
                    yield
            finally:  # the variable is not reset: a generator left early is closed in another context
                transaction.task = None

    @asynccontextmanager
    async def cursor_transaction(self) -> AsyncIterator[Transaction]:
        """Yield the calling task's transaction, or a new one, which the task's other calls do not join."""
        if transaction := self.current():
            yield transaction
            return
        async with self.acquire() as connection:
            transaction = self._new_transaction(connection)
            async with open_transaction(transaction):
                yield transaction

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Yield a connection of the pool, which has it back after the block.

        Raises:
            NotConnectedError: when the pool is not open, or is closed meanwhile.
        """
        pool = self._pool
        if pool is None:
            raise _not_connected()
        try:
            connection = await take(pool, self._target, self._settings.control_timeout_seconds)
        except PlatformError as error:
            if self._pool is not pool:
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

    @asynccontextmanager
    async def unopened_transaction(self, *, is_read_only: bool) -> AsyncIterator[Transaction]:
        """Yield a transaction on a connection of its own, which is not open yet."""
        async with self.acquire() as connection:
            transaction = self._new_transaction(connection)
            transaction.is_read_only = is_read_only
            yield transaction

    def _new_transaction(self, connection: Connection) -> Transaction:
        return Transaction(connection, self._settings.control_timeout_seconds + GRACE_SECONDS)


def _not_connected() -> NotConnectedError:
    return NotConnectedError("the database is not connected: call connect() first")
