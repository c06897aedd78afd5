"""Many rows in few round trips; the caller holds the transaction, and undoes it on an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import asyncpg

from platform_interfaces import Columns, column_values, quote_identifier, quote_table, split_table
from platform_postgres._copy_format import (
    HEADER,
    TRAILER,
    Encoder,
    encode_rows,
    find_encoders,
)
from platform_postgres._numbers import may_be_changed, refuse_changes

if TYPE_CHECKING:
    from platform_postgres._connection import Connection

Rows = Sequence[Mapping[str, Any]]
Copy = Callable[["Connection", str, Sequence[str], Rows, int | None], Awaitable[int]]
_STAGING = "_platform_staging"
MANY = 1_000  # rows; for fewer, asking for the types would not pay
# Encoded at a time: so few that they stay in the caches, and that large ones are not held twice.
_FIRST_ROWS, _MOST_ROWS, _BLOCK_BYTES = 16, 500, 1024 * 1024
_COPY_BYTES = 2 * 1024 * 1024  # sent at a time


async def copy(
    connection: Connection, table: str, columns: Sequence[str], rows: Rows, batch_size: int | None
) -> int:
    """The number of rows stored by one COPY, encoded by the driver."""
    # Asking for the types of the columns costs a round trip.
    if len(rows) >= MANY or may_be_changed(chain.from_iterable(_columns(columns, rows))):
        types = await _types(connection, table, columns)
        await refuse_changes(connection, types, _columns(columns, rows))
    schema, name = split_table(table)
    status = await connection.copy_records_to_table(
        name, schema_name=schema, columns=columns, records=_in_batches(columns, rows, batch_size)
    )
    return affected(status)


async def copy_many(
    connection: Connection, table: str, columns: Sequence[str], rows: Rows, batch_size: int | None
) -> int:
    """The number of rows stored by few COPYs, encoded by us; while one is sent, the next is encoded.

    Raises:
        NotEncodableError: when that cannot be done for one of them.
    """
    encoders = find_encoders(column.oid for column in await _types(connection, table, columns))
    stored, sending = 0, None
    try:
        async for data in _encoded(encoders, columns, rows, batch_size):
            if sending is not None:
                stored += affected(await sending)
            sending = asyncio.create_task(_send(connection, table, columns, data))
        return stored + (affected(await sending) if sending is not None else 0)
    except BaseException:
        if sending is not None:  # it has the connection until it has ended
            await asyncio.gather(sending, return_exceptions=True)
        raise


async def _send(connection: Connection, table: str, columns: Sequence[str], data: bytearray) -> str:
    # At once, and not bit by bit: between two of them, the driver would wait for ever when the connection is
    # lost meanwhile, and take no end when the server has refused the rows.
    schema, name = split_table(table)
    return await connection.copy_to_table(
        name,
        schema_name=schema,
        columns=columns,
        format="binary",
        source=data,  # type: ignore[arg-type]  # it takes a buffer, too, as its documentation says
    )


def refuses_copy(error: BaseException | None) -> bool:
    """Return whether a COPY was refused, but INSERTs may work.

    Views and row-level security refuse COPY; and asyncpg's COPY reads the table, for which a role that only
    writes has no right, and raises an ``InternalClientError`` for types that it has no binary encoder for.
    """
    return isinstance(
        error,
        asyncpg.WrongObjectTypeError
        | asyncpg.FeatureNotSupportedError
        | asyncpg.InsufficientPrivilegeError
        | asyncpg.InternalClientError,
    )


async def insert_each(
    connection: Connection, table: str, columns: Sequence[str], rows: Rows, batch_size: int | None
) -> int:
    """Send each row as an INSERT; return how many: a trigger may turn some of them into nothing."""
    values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    statement = f"INSERT INTO {quote_table(table)} ({_list(columns)}) VALUES ({values})"
    prepared = await connection.prepare(statement)
    await refuse_changes(connection, prepared.get_parameters(), _columns(columns, rows))
    for batch in _batches(rows, batch_size):
        await prepared.executemany(_records(columns, batch))
    return len(rows)


async def copy_new(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    rows: Rows,
    batch_size: int | None,
    *,
    key: Sequence[str],
    copy: Copy,
) -> int:
    """The number of rows stored, as by ``copy``, that clash with none on ``key``.

    They go through a temporary table, for COPY knows no ON CONFLICT; the order of the key on the way out of
    it keeps two writers from waiting for each other's rows crosswise.
    """
    target, names = quote_table(table), _list(columns)
    await connection.execute(
        f"CREATE TEMPORARY TABLE {_STAGING} ON COMMIT DROP AS SELECT {names} FROM {target} WITH NO DATA"
    )
    await copy(connection, f"pg_temp.{_STAGING}", columns, rows, batch_size)
    status = await connection.execute(
        f"INSERT INTO {target} ({names}) SELECT {names} FROM pg_temp.{_STAGING} "
        f"ORDER BY {_list(key)} ON CONFLICT ({_list(key)}) DO NOTHING"
    )
    await connection.execute(f"DROP TABLE pg_temp.{_STAGING}")
    return affected(status)


async def _types(connection: Connection, table: str, columns: Sequence[str]) -> list[asyncpg.Type]:
    found = await connection.prepare(f"SELECT {_list(columns)} FROM {quote_table(table)}")
    return [column.type for column in found.get_attributes()]


async def _encoded(
    encoders: Sequence[Encoder], columns: Sequence[str], rows: Rows, batch_size: int | None
) -> AsyncIterator[bytearray]:
    """The rows as COPYs of some MiB, with a turn for other tasks after each block."""
    data, size = bytearray(HEADER), _FIRST_ROWS
    for batch in _batches(rows, batch_size):
        start = 0
        while start < len(batch):
            block = encode_rows(encoders, columns, batch[start : start + size])
            start += size
            size = min(max(size * _BLOCK_BYTES // len(block), 1), _MOST_ROWS)
            data += block
            if len(data) >= _COPY_BYTES:
                data += TRAILER
                yield data
                data = bytearray(HEADER)
            await asyncio.sleep(0)
    if len(data) > len(HEADER):
        data += TRAILER
        yield data


async def _in_batches(columns: Sequence[str], rows: Rows, size: int | None) -> AsyncIterator[tuple[Any, ...]]:
    """The values of each row, with a turn for other tasks after each batch: encoding many takes long."""
    for batch in _batches(rows, size):
        for record in _records(columns, batch):
            yield record
        await asyncio.sleep(0)


def _batches(rows: Rows, size: int | None) -> Iterator[Rows]:
    if size is None or size >= len(rows):
        return iter([rows])
    return (rows[start : start + size] for start in range(0, len(rows), size))


def affected(status: str) -> int:
    """The number of rows in a command tag such as ``INSERT 0 5`` or ``CREATE TABLE``."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


def _columns(columns: Sequence[str], rows: Rows) -> Iterator[Sequence[Any]]:
    return (column_values(rows, column) for column in columns)


def _records(columns: Sequence[str], rows: Rows) -> Iterator[tuple[Any, ...]]:
    if isinstance(rows, Columns):
        return zip(*_columns(columns, rows), strict=True)
    if len(columns) == 1:  # itemgetter of one name gives the bare value
        [column] = columns
        return ((row[column],) for row in rows)
    return map(itemgetter(*columns), rows)


def _list(names: Sequence[str]) -> str:
    return ", ".join(quote_identifier(name) for name in names)
