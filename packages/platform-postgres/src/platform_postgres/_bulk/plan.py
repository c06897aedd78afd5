"""The way that the rows of one bulk insert take, decided before the first of them is sent."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from platform_interfaces import quote_identifiers, quote_table
from platform_postgres._bulk.encode import ENCODERS, TEXT, Encoder
from platform_postgres._numbers import FIRST_OWN_OID
from platform_postgres._rows import count_affected

if TYPE_CHECKING:
    import asyncpg

    from platform_postgres._connection import Connection

_log = logging.getLogger("platform_postgres")

# Types that have no encoder of ours, but one of the driver's, which is in binary, as COPY is. For any other
# type, such as TSVECTOR, the driver sends text, which only an INSERT takes.
_DRIVER_TYPES = {
    *("bit", "varbit", "bpchar", "char", "name", "oid", "xid", "cid", "tid", "xid8", "pg_lsn"),
    *("time", "timetz", "timestamp", "interval", "inet", "cidr"),
    *("point", "line", "lseg", "box", "path", "polygon", "circle"),
    *("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"),
}


class Way(Enum):
    """How rows are sent."""

    COPY = "COPY"
    DRIVER_COPY = "COPY encoded by the driver"
    INSERT = "INSERT"


@dataclass(frozen=True)
class Plan:
    """Where the rows go, and how; ``encoders``, one for each column, are there for COPY only."""

    table: str
    columns: Sequence[str]
    types: Sequence[asyncpg.Type]
    way: Way
    encoders: Sequence[Encoder] = ()


async def make_plan(connection: Connection, table: str, columns: Sequence[str], *, is_staged: bool) -> Plan:
    """Return the quickest way for these columns; the reason for a slower one is logged at DEBUG.

    Args:
        connection: in the transaction that writes the rows, which keeps the table from being altered.
        table: where the rows go in the end.
        columns: those that the rows have.
        is_staged: whether they go through a temporary table, which always takes COPY.
    """
    types = await _read_types(connection, table, columns)
    enums = await _find_enums(connection, types)
    encoders = [TEXT if column.oid in enums else _find_encoder(column) for column in types]
    missing = [column for column, encoder in zip(types, encoders, strict=True) if encoder is None]
    if not is_staged and not await _takes_copy(connection, table):
        way, reason = Way.INSERT, "it is not a table, or has row-level security"
    elif missing:
        way = Way.DRIVER_COPY if all(map(_has_driver_encoder, missing)) else Way.INSERT
        reason = f"no encoder for the types {', '.join(dict.fromkeys(column.name for column in missing))}"
    else:
        return Plan(table, columns, types, Way.COPY, [encoder for encoder in encoders if encoder])
    _log.debug("bulk_insert into %s by %s: %s", table, way.value, reason)
    return Plan(table, columns, types, way)


async def _read_types(connection: Connection, table: str, columns: Sequence[str]) -> list[asyncpg.Type]:
    """Return the types of the columns; for a domain, the type that it is based on."""
    statement = await connection.prepare(f"SELECT {quote_identifiers(columns)} FROM {quote_table(table)}")
    return [column.type for column in statement.get_attributes()]


async def _takes_copy(connection: Connection, table: str) -> bool:
    """Return whether it is a table, which may be partitioned or foreign, without row-level security."""
    # The count stands in the command's tag: one round trip, where rows would take two.
    status = await connection.execute(
        f"SELECT FROM pg_class WHERE oid = '{quote_table(table)}'::regclass "
        "AND relkind IN ('r', 'p', 'f') AND NOT row_security_active(oid)"
    )
    return count_affected(status) == 1


async def _find_enums(connection: Connection, types: Sequence[asyncpg.Type]) -> set[int]:
    own = [column.oid for column in types if column.oid >= FIRST_OWN_OID]
    if not own:
        return set()
    query = "SELECT oid::bigint FROM pg_type WHERE oid::bigint = ANY($1::bigint[]) AND typtype = 'e'"
    return {row["oid"] for row in await connection.fetch(query, own)}


def _find_encoder(column: asyncpg.Type) -> Encoder | None:
    return ENCODERS.get(column.name) if column.oid < FIRST_OWN_OID else None


def _has_driver_encoder(column: asyncpg.Type) -> bool:
    """Return whether the driver sends the type, or arrays of it, in binary."""
    if column.oid >= FIRST_OWN_OID:
        return False
    element = column.name.removesuffix("[]")
    return element in _DRIVER_TYPES or element in ENCODERS
