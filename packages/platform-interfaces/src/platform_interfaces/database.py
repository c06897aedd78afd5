"""A relational database, spoken to in PostgreSQL's SQL."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from platform_interfaces.columns import Columns
from platform_interfaces.errors import LockTimeoutError
from platform_interfaces.identifiers import quote_identifier
from platform_interfaces.lifecycle import AsyncResource
from platform_interfaces.query_result import QueryResult

Row = dict[str, Any]


class DatabaseInterface(AsyncResource, ABC):
    """A pool of connections to one database.

    SQL is PostgreSQL's, with ``$1`` placeholders, on every implementation. Values both ways: ``dict``,
    ``list``, ``str``, numbers, ``bool`` and ``None`` for JSONB (see ``platform_interfaces.json_values``),
    aware ``datetime`` for TIMESTAMPTZ, ``date``, ``Decimal``, ``UUID``, ``bytes``. For JSONB, ``bytes`` are
    the text of a document, stored as that; in a statement they need a cast (``$1::jsonb``).

    Every method may raise the ``DatabaseError`` branch of ``platform_interfaces.errors``; each names
    only what is particular to it. A cancelled call leaves no statement running and no connection
    in use. Methods may be called from several tasks at once; each call has its own parameters and result. No
    error shows a value of a row or a parameter.
    """

    @abstractmethod
    async def connect(self) -> None:
        """Open the database; a second call does nothing.

        Raises:
            ConfigurationError: when a setting is missing or has an invalid value.
            ConnectionLostError: when the database cannot be reached.
        """

    @property
    def location(self) -> str:
        """Return which database this is: user, host, port and name, or a directory; no secret.

        Asks no server and never raises; before ``connect`` it is what the settings say.
        """
        return type(self).__name__

    @abstractmethod
    async def disconnect(self) -> None:
        """Close everything, within a bounded time; calling it again, or before ``connect``, does nothing."""

    @abstractmethod
    def is_connected(self) -> bool:
        """Return whether ``connect`` was called and ``disconnect`` was not; asks no server."""

    @abstractmethod
    async def execute(
        self, query: str, params: Sequence[Any] | None = None, *, timeout: float | None = None
    ) -> int:
        """Return the number of rows that one statement changed (0 for DDL), or returned (for a SELECT).

        Args:
            query: the statement.
            params: the values of ``$1``, ``$2`` and so on; a single one is in a list, too.
            timeout: seconds that the statement may take, instead of the database's own limit, where it has
                one: an index of a large table takes longer than a query may.

        Raises:
            NotConnectedError: before ``connect``. So do all the query methods below.
            QueryError: when ``params`` is a string, whose characters would be the values. So do they.
        """

    @abstractmethod
    async def fetch_one(self, query: str, params: Sequence[Any] | None = None) -> Row | None:
        """Return the first row, or None when there is none."""

    @abstractmethod
    async def fetch_all(self, query: str, params: Sequence[Any] | None = None) -> list[Row]:
        """Return all rows, in the order of the query; all of them are in memory at once."""

    @abstractmethod
    def stream(self, query: str, params: Sequence[Any] | None = None) -> AsyncGenerator[Row, None]:
        """Yield the rows in constant memory: outside a transaction, not all of them are read first.

        Outside ``transaction()`` a stream has a connection of its own until it is exhausted or closed, so
        other queries can run meanwhile; inside a transaction it sees what that has written.
        """

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[None]:
        """Return a block whose statements are committed together, or undone when an exception leaves it.

        Nested blocks are savepoints: an exception caught around an inner block undoes that block alone.
        The block belongs to the task that opened it; a task started inside it does not join it, and the
        transactions of sibling tasks are independent. A deadlock is a ``TransactionConflictError``.

        Raises:
            TransactionAbortedError: at the end of a block that swallowed a database error, whether server or
                driver had raised it; nothing is committed.
        """

    @abstractmethod
    def open_query(self, query: str, *, is_read_only: bool) -> AbstractAsyncContextManager[QueryResult]:
        """Return a block with the result of any one statement, for people who look at the data.

        It has a connection of its own, and does not join the transaction of the calling task. What it changes
        is committed at the end of the block; where an exception leaves the block, only a statement without
        rows stays done.

        With ``is_read_only`` the database itself refuses what changes its data or schema, also inside
        functions, and the block ends with a rollback. What a function does outside of the database's
        transactions (a file, another connection) is beyond that: the role's rights decide it.

        Raises:
            ReadOnlyError: when ``is_read_only``, and the statement changes something or returns no rows.
            QueryError: when there are several statements, of which none is run.
        """

    @abstractmethod
    async def bulk_insert(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        skip_conflicts_on: Sequence[str] = (),
        batch_size: int | None = None,
    ) -> int:
        """Insert all of ``rows``, however many, or on an error none; return the number of rows inserted.

        With ``skip_conflicts_on``, a row that clashes with another on exactly those columns (they must be
        unique together) is skipped; any other clash is an error. Rows are inserted in the order of those
        columns, so that two writers of the same keys cannot deadlock. An empty ``rows`` does nothing.

        Args:
            table: ``table`` or ``schema.table``; see ``platform_interfaces.identifiers``.
            rows: all with the same keys, which are the columns; the others get their defaults. ``Columns``
                are the fastest.
            skip_conflicts_on: column names, all of them keys of the rows.
            batch_size: how many rows are handed to the database at a time, at least 1; other tasks have
                their turn in between. An adapter may take all of them at once.

        Raises:
            ValueError: when rows differ in their keys, a name is not an identifier or ``batch_size``
                is below 1.
            ConstraintError: when a row breaks any other constraint.
            DataError: when a value does not fit its column.
            QueryError: when the table or a column does not exist.
        """

    @abstractmethod
    def lock(self, name: str, *, timeout: float) -> AbstractAsyncContextManager[None]:
        """Return a block that one task or process on this database runs at a time, for each ``name``.

        The lock is on a connection outside the pool, and is released when the block ends or the process dies.
        It is not reentrant.

        Args:
            name: any text.
            timeout: seconds to wait for it; 0 tries once.

        Raises:
            LockTimeoutError: when another block held it for all that time.
        """

    async def is_locked(self, name: str) -> bool:
        """Return whether any task or process on this database is in such a block now.

        The default tries to enter one, so another ``lock`` with a ``timeout`` of 0 may fail meanwhile.
        """
        try:
            async with self.lock(name, timeout=0):
                return False
        except LockTimeoutError:
            return True

    @abstractmethod
    async def health_check(self) -> bool:
        """Return whether the database answers a query now, within a bounded time; never raises."""


def check_bulk_insert(
    rows: Sequence[Mapping[str, Any]], skip_conflicts_on: Sequence[str] = (), batch_size: int | None = None
) -> tuple[str, ...]:
    """Return the columns of ``rows``, the arguments of ``bulk_insert``, of which there is at least one.

    Whether the other rows have the keys of the first is left to ``Columns.from_rows``.

    Raises:
        ValueError: when there is no column, a column is not an identifier, ``skip_conflicts_on`` names one
            that the rows do not have, or ``batch_size`` is below 1.
    """
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    columns = rows.names if isinstance(rows, Columns) else tuple(rows[0])
    if not columns:
        raise ValueError("a row must have at least one column")
    for column in columns:
        quote_identifier(column)
    if unknown := set(skip_conflicts_on) - set(columns):
        raise ValueError(f"skip_conflicts_on names {sorted(unknown)}, which the rows do not have")
    return columns
