"""One statement of any kind, and its result in constant memory."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from platform_interfaces import DatabaseError, QueryError, QueryResult, ReadOnlyError
from platform_postgres._errors import translate_errors
from platform_postgres._rows import count_affected
from platform_postgres._transaction import Transaction, open_transaction, use_connection

if TYPE_CHECKING:
    from asyncpg.prepared_stmt import PreparedStatement

    from platform_postgres._connection import Connection

PAGE_ROWS = 1000
# asyncpg waits for ever for the data of one, and drops that of the other.
_COPY = re.compile(r"\s*copy\b.*\b(from\s+stdin|to\s+stdout)\b", re.IGNORECASE | re.DOTALL)


@asynccontextmanager
async def open_query(transaction: Transaction, query: str) -> AsyncIterator[QueryResult]:
    """Yield the result of ``query`` in a transaction that is not open yet; see ``DatabaseInterface``."""
    open_result = _open_reading if transaction.is_read_only else _open_writing
    with _locating_errors():
        async with open_result(transaction, query) as result:
            yield result


@asynccontextmanager
async def _open_reading(transaction: Transaction, query: str) -> AsyncIterator[QueryResult]:
    async with open_transaction(transaction):
        async with use_connection(transaction) as connection:
            statement = await _prepare(connection, query)
        # COPY TO PROGRAM, DO, SET or NOTIFY: READ ONLY alone does not refuse them.
        if not statement.get_attributes():
            raise ReadOnlyError("only reading is allowed, and the statement returns no rows")
        async with _open_result(transaction, statement) as result:
            yield result


@asynccontextmanager
async def _open_writing(transaction: Transaction, query: str) -> AsyncIterator[QueryResult]:
    with translate_errors():
        statement = await _prepare(transaction.connection, query)
    if statement.get_attributes():
        async with open_transaction(transaction), _open_result(transaction, statement) as result:
            yield result
        return
    with translate_errors():  # without a transaction, which VACUUM and the like refuse
        await statement.fetch()
    await _refuse_transaction(transaction.connection)
    yield QueryResult((), _no_rows(), count_affected(statement.get_statusmsg() or ""))


async def _prepare(connection: Connection, query: str) -> PreparedStatement[asyncpg.Record]:
    if _COPY.match(query):
        raise QueryError("a COPY through this connection is not possible: name a file, or use psql")
    try:
        return await connection.prepare(query)
    except asyncpg.PostgresSyntaxError as error:
        if error.position:
            raise
        # Only the protocol for single statements has a syntax error at no position.
        raise QueryError("there are several statements, of which none was run: give one at a time") from error


@asynccontextmanager
async def _open_result(
    transaction: Transaction, statement: PreparedStatement[asyncpg.Record]
) -> AsyncIterator[QueryResult]:
    async with aclosing(_read(transaction, statement)) as rows:
        yield QueryResult(tuple(column.name for column in statement.get_attributes()), rows)


async def _read(
    transaction: Transaction, statement: PreparedStatement[asyncpg.Record]
) -> AsyncGenerator[tuple[Any, ...], None]:
    # A portal, unlike a cursor that is declared, takes EXPLAIN, SHOW and INSERT … RETURNING, too.
    async with use_connection(transaction):
        portal = await statement.cursor()
    is_more = True
    while is_more:
        async with use_connection(transaction):
            records = await portal.fetch(PAGE_ROWS)
        is_more = len(records) == PAGE_ROWS
        for record in records:
            yield tuple(record)


async def _no_rows() -> AsyncGenerator[tuple[Any, ...], None]:
    return
    yield  # a generator all the same


async def _refuse_transaction(connection: Connection) -> None:
    if connection.is_in_transaction():
        with translate_errors():
            await connection.execute("ROLLBACK")
        raise QueryError("a BEGIN alone does nothing: each statement is committed by itself")


@contextmanager
def _locating_errors() -> Iterator[None]:
    """Add the position in the statement to an error of the server."""
    try:
        yield
    except DatabaseError as error:
        position = getattr(error.__cause__, "position", None)
        error.position = int(position) - 1 if position else None
        raise
