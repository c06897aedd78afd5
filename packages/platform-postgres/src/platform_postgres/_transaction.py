"""A transaction on one connection, its nested blocks and its cursors."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg

from platform_interfaces import DatabaseError, TransactionAbortedError
from platform_postgres._errors import translated

if TYPE_CHECKING:
    import asyncio

    from platform_postgres._connection import Connection


@dataclass
class Transaction:
    """A transaction: its connection, the task it belongs to while it is open, and what broke it.

    BEGIN, COMMIT and the like take ``timeout`` seconds at most.
    """

    connection: Connection
    timeout: float
    task: asyncio.Task[Any] | None = None
    failure: DatabaseError | None = None
    depth: int = 0
    ended_cursors: list[str] = field(default_factory=list)


@asynccontextmanager
async def use_connection(transaction: Transaction) -> AsyncIterator[Connection]:
    """The connection for one call inside a transaction, which remembers what broke it."""
    try:
        with translated():
            await _close_cursors(transaction)
            yield transaction.connection
    except DatabaseError as error:
        transaction.failure = transaction.failure or error
        raise


async def _close_cursors(transaction: Transaction) -> None:
    """Close those that have ended; while open, they keep their tables from being altered."""
    if not transaction.ended_cursors:
        return
    ended = transaction.ended_cursors.copy()
    transaction.ended_cursors.clear()
    # A cursor of a nested block that was undone is gone, and closing it would be an error.
    query = "SELECT name FROM pg_cursors WHERE name = ANY($1::text[])"
    for record in await transaction.connection.fetch(query, ended):
        await transaction.connection.execute(f"CLOSE {record['name']}")


@asynccontextmanager
async def open_transaction(transaction: Transaction) -> AsyncIterator[None]:
    """A block whose statements are kept together, or not at all when an exception leaves it.

    Raises:
        TransactionAbortedError: at its end, when it swallowed a database error or was ended by a statement.
    """
    connection = transaction.connection
    try:
        with translated():
            await connection.execute("BEGIN", timeout=transaction.timeout)
    except BaseException:
        _terminate(connection)  # the server may have begun all the same
        raise
    try:
        yield
        with translated():
            is_open = connection.is_in_transaction()
            # Of an error that the driver raised by itself the server knows nothing, and would commit.
            end = "ROLLBACK" if transaction.failure else "COMMIT"
            outcome = await connection.execute(end, timeout=transaction.timeout)
        if not is_open:
            raise TransactionAbortedError(
                "a COMMIT or ROLLBACK ended transaction() before its block did: leave both to the block"
            )
        if outcome != "COMMIT":  # the server answers ROLLBACK, and no error, when a statement had failed
            raise _aborted(transaction) from transaction.failure
    except BaseException:
        await _roll_back(transaction, "ROLLBACK")
        raise


@asynccontextmanager
async def open_savepoint(transaction: Transaction) -> AsyncIterator[None]:
    """A block inside ``transaction`` that is undone alone when an exception leaves it."""
    connection, failure = transaction.connection, transaction.failure
    transaction.depth += 1
    name = f"platform_{transaction.depth}"
    try:
        with translated():
            await connection.execute(f"SAVEPOINT {name}", timeout=transaction.timeout)
        try:
            yield
            if transaction.failure:
                raise _aborted(transaction) from transaction.failure
            with translated():
                await connection.execute(f"RELEASE SAVEPOINT {name}", timeout=transaction.timeout)
        except BaseException:
            await _roll_back(transaction, f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")
            transaction.failure = failure
            raise
    finally:
        transaction.depth -= 1


def _aborted(transaction: Transaction) -> TransactionAbortedError:
    return TransactionAbortedError(
        f"an error was swallowed inside transaction(), nothing of it was kept: {transaction.failure}"
    )


async def _roll_back(transaction: Transaction, statement: str) -> None:
    """Undo what is open; a connection that cannot is cut, which makes the server undo it."""
    connection, is_undone = transaction.connection, False
    try:
        if connection.is_in_transaction():
            await connection.execute(statement, timeout=transaction.timeout)
        is_undone = True
    except Exception:  # noqa: BLE001, S110 - the error that led here is the one to tell
        pass
    finally:
        if not is_undone:
            _terminate(connection)


def _terminate(connection: Connection) -> None:
    with contextlib.suppress(asyncpg.InterfaceError):  # the pool has dropped it already
        connection.terminate()
