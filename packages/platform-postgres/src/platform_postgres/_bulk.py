"""Many rows in few round trips; the caller holds the transaction, and undoes it on an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import asyncpg

from platform_interfaces import quote_identifier, quote_table, split_table
from platform_postgres._integers import may_be_cut, refuse_fractions

if TYPE_CHECKING:
    from platform_postgres._connection import Connection

Records = Sequence[tuple[Any, ...]]
_STAGING = "_platform_staging"


async def copy(
    connection: Connection, table: str, columns: Sequence[str], records: Records, batch_size: int | None
) -> int:
    """The number of rows stored by one COPY."""
    if may_be_cut(chain.from_iterable(records)):
        found = await connection.prepare(f"SELECT {_list(columns)} FROM {quote_table(table)}")
        refuse_fractions([column.type for column in found.get_attributes()], _columns(records))
    schema, name = split_table(table)
    status = await connection.copy_records_to_table(
        name, schema_name=schema, columns=columns, records=_in_batches(records, batch_size)
    )
    return affected(status)


def refuses_copy(error: BaseException | None) -> bool:
    """Whether the server takes no COPY for this table, but may take INSERTs.

    Views and row-level security refuse COPY; and asyncpg's COPY reads the table, for which a role that only
    writes has no right, and is binary, which it does not speak for every type.
    """
    return isinstance(
        error,
        asyncpg.WrongObjectTypeError | asyncpg.FeatureNotSupportedError | asyncpg.InsufficientPrivilegeError,
    ) or "no binary format encoder" in str(error)


async def insert_each(connection: Connection, table: str, columns: Sequence[str], records: Records) -> int:
    """The number of rows sent as one INSERT each; a trigger may turn some of them into nothing."""
    values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    statement = f"INSERT INTO {quote_table(table)} ({_list(columns)}) VALUES ({values})"
    prepared = await connection.prepare(statement)
    refuse_fractions(prepared.get_parameters(), _columns(records))
    await prepared.executemany(records)
    return len(records)


async def copy_new(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    records: Records,
    key: Sequence[str],
    batch_size: int | None,
) -> int:
    """The number of rows stored that clash with none on ``key``.

    They go through a temporary table, for COPY knows no ON CONFLICT; the order of the key on the way out of
    it keeps two writers from waiting for each other's rows crosswise.
    """
    target, names = quote_table(table), _list(columns)
    await connection.execute(
        f"CREATE TEMPORARY TABLE {_STAGING} ON COMMIT DROP AS SELECT {names} FROM {target} WITH NO DATA"
    )
    await copy(connection, f"pg_temp.{_STAGING}", columns, records, batch_size)
    status = await connection.execute(
        f"INSERT INTO {target} ({names}) SELECT {names} FROM pg_temp.{_STAGING} "
        f"ORDER BY {_list(key)} ON CONFLICT ({_list(key)}) DO NOTHING"
    )
    await connection.execute(f"DROP TABLE pg_temp.{_STAGING}")
    return affected(status)


async def _in_batches(records: Records, size: int | None) -> AsyncIterator[tuple[Any, ...]]:
    """The records, with a turn for other tasks after each batch: making bytes of many takes long."""
    for start in range(0, len(records), size or len(records)):
        for record in records[start : start + (size or len(records))]:
            yield record
        await asyncio.sleep(0)


def affected(status: str) -> int:
    """The number of rows in a command tag such as ``INSERT 0 5`` or ``CREATE TABLE``."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


def _columns(records: Records) -> Iterator[Iterator[Any]]:
    return (map(itemgetter(index), records) for index in range(len(records[0])))


def _list(names: Sequence[str]) -> str:
    return ", ".join(quote_identifier(name) for name in names)
