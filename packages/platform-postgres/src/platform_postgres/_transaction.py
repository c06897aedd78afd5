"""A transaction on one connection, its nested blocks and its cursors."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg

from platform_interfaces import DatabaseError, TransactionAbortedError
from platform_postgres._errors import translate_errors

if TYPE_CHECKING:
    import asyncio

    from platform_postgres._connection import Connection


@dataclass
class Transaction:
    """A transaction: its connection, the task that has it open, and the first error in it.

    BEGIN, COMMIT and the like take ``timeout`` seconds at most. Read-only, it ends with ROLLBACK.
    """

    connection: Connection
    timeout: float
    is_read_only: bool = False
    task: asyncio.Task[Any] | None = None
    failure: DatabaseError | None = None
    depth: int = 0
    ended_cursors: list[str] = field(default_factory=list)


@asynccontextmanager
async def use_connection(transaction: Transaction) -> AsyncIterator[Connection]:
    """Yield the connection for one call; record its error as the failure of the transaction."""
    try:
        with translate_errors():
            await _close_cursors(transaction)
            yield transaction.connection
    except DatabaseError as error:
        transaction.failure = transaction.failure or error
        raise


async def _close_cursors(transaction: Transaction) -> None:
    """Close the cursors that are done with; an open one keeps its table from being altered."""
    if not transaction.ended_cursors:
        return
    ended = transaction.ended_cursors.copy()
    transaction.ended_cursors.clear()
    # A cursor of a nested block that was rolled back is gone, and closing it would be an error.
    query = "SELECT name FROM pg_cursors WHERE name = ANY($1::text[])"
    for record in await transaction.connection.fetch(query, ended):
        await transaction.connection.execute(f"CLOSE {record['name']}")


@asynccontextmanager
async def open_transaction(transaction: Transaction) -> AsyncIterator[None]:
    """Commit the statements of the block, or roll them back when an exception leaves it.

    Raises:
        TransactionAbortedError: at its end, when it caught a database error or a statement ended it.
    """
    connection = transaction.connection
    try:
        with translate_errors():
            begin = "BEGIN READ ONLY" if transaction.is_read_only else "BEGIN"
            await connection.execute(begin, timeout=transaction.timeout)
    except BaseException:
        _terminate(connection)  # the server may have opened it all the same
        raise
    try:
        yield
        with translate_errors():
            is_open = connection.is_in_transaction()
            # The server does not know of an error that the driver raised, and would commit.
            end = "ROLLBACK" if transaction.failure or transaction.is_read_only else "COMMIT"
            outcome = await connection.execute(end, timeout=transaction.timeout)
        if not is_open:
            raise TransactionAbortedError(
                "a COMMIT or ROLLBACK ended transaction() before its block did: leave both to the block"
            )
        # The server answers ROLLBACK, and no error, when a statement had failed.
        if transaction.failure or outcome != end:
            raise _aborted_error(transaction) from transaction.failure
    except BaseException:
        await _roll_back(transaction, "ROLLBACK")
        raise


@asynccontextmanager
async def open_savepoint(transaction: Transaction) -> AsyncIterator[None]:
    """Roll back the block alone, inside ``transaction``, when an exception leaves it."""
    connection, failure = transaction.connection, transaction.failure
    transaction.depth += 1
    name = f"platform_{transaction.depth}"
    try:
        with translate_errors():
            await connection.execute(f"SAVEPOINT {name}", timeout=transaction.timeout)
        try:
            yield
            if transaction.failure:
                raise _aborted_error(transaction) from transaction.failure
            with translate_errors():
                await connection.execute(f"RELEASE SAVEPOINT {name}", timeout=transaction.timeout)
        except BaseException:
            await _roll_back(transaction, f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")
            transaction.failure = failure
            raise
    finally:
        transaction.depth -= 1


def _aborted_error(transaction: Transaction) -> TransactionAbortedError:
    return TransactionAbortedError(
        f"an error was swallowed inside transaction(), all of it was rolled back: {transaction.failure}"
    )


async def _roll_back(transaction: Transaction, statement: str) -> None:
    """Roll back what is open; terminate a connection that cannot, which makes the server roll back."""
    connection, is_rolled_back = transaction.connection, False
    try:
        if connection.is_in_transaction():
            await connection.execute(statement, timeout=transaction.timeout)
        is_rolled_back = True
    except Exception:  # noqa: BLE001, S110 - the error that led here is the one to raise
        pass
    finally:
        if not is_rolled_back:
            _terminate(connection)


def _terminate(connection: Connection) -> None:
    with contextlib.suppress(asyncpg.InterfaceError):  # the pool has dropped it already
        connection.terminate()
