"""``DatabaseInterface`` on DuckDB, in memory."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Any
from weakref import WeakSet

import duckdb

from platform_interfaces import (
    Columns,
    DatabaseError,
    DatabaseInterface,
    NotConnectedError,
    QueryResult,
    Row,
    SecretsInterface,
    check_bulk_insert,
)
from platform_memory._bulk import insert
from platform_memory._engine import open_database
from platform_memory._locks import NamedLocks
from platform_memory._query import open_query
from platform_memory._session import Result, Session
from platform_memory._transaction import Transaction


class MemoryDatabase(DatabaseInterface):
    """A database that lives as long as this object: after ``disconnect`` and ``connect``, all is still there.

    DuckDB does the work, in the calling thread, without files and network; a statement holds up the event
    loop until it has ended. What differs from PostgreSQL:

    - A transaction sees the data as it was at its beginning. A write that meets another open transaction's
      raises ``TransactionConflictError``, at once or at the commit, instead of waiting.
    - A nested block is undone by repeating what came before it, which stays in memory until its end;
      where another transaction has made that impossible, it raises ``TransactionConflictError``.
    - A value of another type than its placeholder is refused as in PostgreSQL where the statement shows the
      type: a cast, ``INSERT … VALUES``, ``SET column = $1``, a column compared with ``=``, ``<``, ``IN``,
      ``BETWEEN``, ``ANY``. Elsewhere (``INSERT … SELECT $1``, arguments of functions) DuckDB converts it.
    - DATE and TIMESTAMP ``'infinity'`` are read as the last day and timestamp, and a month as thirty days.
      Arrays have as many dimensions as their type says; NUMERIC has neither NaN nor infinity.
    - NUMERIC has at most 38 digits, 10 of them decimals where no precision is given. For JSONB, 1 and 1.0 are
      two values, and what SQL itself makes from text, other than ``'…'::jsonb``, keeps the order of its keys.
      A ``str`` in a statement is a JSON string where it is cast (``$1::jsonb``), else it has to be JSON text.
    - Names that differ only in case are one. Indexes are neither partial nor of a named kind, and stand in
      the way of many an ALTER TABLE; a length given to a column by ALTER TABLE is not checked. There is no
      FOR UPDATE, no ON DELETE CASCADE, and of the functions and operators for JSON only ``->`` and ``->>``.
    """

    is_in_process = True

    def __init__(self, secrets: SecretsInterface | None = None) -> None:
        """Take ``secrets`` as every adapter does, and read nothing from it."""
        self._database: duckdb.DuckDBPyConnection | None = None
        self._is_connected = False
        self._sessions: WeakSet[Session] = WeakSet()
        self._transactions: dict[asyncio.Task[Any] | None, Transaction] = {}
        self._locks = NamedLocks()

    async def connect(self) -> None:
        self._database = self._database or open_database()
        self._is_connected = True

    async def disconnect(self) -> None:
        """Roll back what is open; the data stays."""
        self._is_connected = False
        for session in self._sessions:
            session.close()

    def is_connected(self) -> bool:
        return self._is_connected

    @property
    def location(self) -> str:
        return "memory"

    async def execute(
        self, query: str, params: Sequence[Any] | None = None, *, timeout: float | None = None
    ) -> int:
        """Run the statement to its end: it has no limit."""
        return (await self._run(query, params)).count

    async def fetch_one(self, query: str, params: Sequence[Any] | None = None) -> Row | None:
        return next(iter((await self._run(query, params)).rows), None)

    async def fetch_all(self, query: str, params: Sequence[Any] | None = None) -> list[Row]:
        return (await self._run(query, params)).rows

    async def stream(self, query: str, params: Sequence[Any] | None = None) -> AsyncGenerator[Row, None]:
        """Yield the rows, a thousand at a time; inside a transaction, all of them at once."""
        if self._current():
            for row in await self.fetch_all(query, params):
                yield row
            return
        with self._session() as session:
            for rows in session.stream(query, params):
                await asyncio.sleep(0)
                for row in rows:
                    yield row

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        if outer := self._current():
            with outer.savepoint():
                yield
            return
        task = asyncio.current_task()
        with self._session() as session:
            transaction = self._transactions[task] = Transaction(session)
            try:
                yield
                transaction.commit()
            finally:
                del self._transactions[task]

    @asynccontextmanager
    async def open_query(self, query: str, *, is_read_only: bool) -> AsyncIterator[QueryResult]:
        await asyncio.sleep(0)
        with self._session() as session, open_query(session, query, is_read_only=is_read_only) as result:
            yield result

    async def bulk_insert(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        skip_conflicts_on: Sequence[str] = (),
        batch_size: int | None = None,
    ) -> int:
        """Insert all rows by one statement, in the order given: no other writer comes in between."""
        await asyncio.sleep(0)
        if not rows:
            return 0
        columns = Columns.from_rows(rows, check_bulk_insert(rows, skip_conflicts_on, batch_size))
        if transaction := self._current():
            with transaction.savepoint():
                return insert(transaction.run, table, columns, skip_conflicts_on)
        with self._session() as session:
            return insert(session.run, table, columns, skip_conflicts_on)

    @asynccontextmanager
    async def lock(self, name: str, *, timeout: float) -> AsyncIterator[None]:
        """Exclude the other tasks that use this object; no other object has this database."""
        self._require_connection()
        async with self._locks.hold(name, timeout):
            yield

    async def is_locked(self, name: str) -> bool:
        self._require_connection()
        return self._locks.is_held(name)

    async def health_check(self) -> bool:
        try:
            return await self.fetch_one("SELECT 1 AS one") is not None
        except DatabaseError:
            return False

    async def _run(self, query: str, params: Sequence[Any] | None) -> Result:
        await asyncio.sleep(0)  # a loop that waits for another task's rows must let that task run
        if transaction := self._current():
            return transaction.run(query, params)
        with self._session() as session:
            return session.run(query, params)

    def _current(self) -> Transaction | None:
        """Return the transaction of the calling task, not that of the task that started it."""
        return self._transactions.get(asyncio.current_task())

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with closing(Session(self._require_connection())) as session:
            self._sessions.add(session)
            yield session

    def _require_connection(self) -> duckdb.DuckDBPyConnection:
        if self._database is None or not self._is_connected:
            raise NotConnectedError("the database is not connected: call connect() first")
        return self._database
