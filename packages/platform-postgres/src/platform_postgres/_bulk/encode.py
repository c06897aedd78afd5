"""COPY's binary format, for the types that most columns have.

Whole columns are encoded at a time, which takes half the time that the driver takes value by value. See
https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"; a value is what the receive function
of its type reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain, repeat
from struct import Struct
from types import NoneType
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from asyncpg.pgproto import pgproto

from platform_interfaces import Columns, DataError
from platform_postgres._codecs import JSONB_HEADER, encode_json
from platform_postgres._errors import translate_errors
from platform_postgres._numeric import encode_numeric
from platform_postgres._temporal import encode_date, encode_timestamptz

_log = logging.getLogger("platform_postgres")

HEADER, TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
# Rows are encoded by blocks: small enough for the caches, and to hold large values twice only for a while.
_FIRST_BLOCK_ROWS, _MAX_BLOCK_ROWS, _BLOCK_BYTES = 16, 500, 1024 * 1024
_COPY_BYTES = 2 * 1024 * 1024
_pack_count, _pack_size = Struct("!h").pack, Struct("!i").pack

Fields: TypeAlias = Sequence[Iterable[bytes]]
"""The bytes of one column: the n-th items of all the iterables, joined, are the field of row n."""


class Encoder(NamedTuple):
    """What makes fields of the values of a column."""

    encode: Callable[[Sequence[Any], Set[type]], Fields]
    """Called with the values and the set of their types; an error means that a value does not fit."""
    kinds: Set[type] | None
    """The types that values usually have; None for any. Values of others are left to the driver."""

    def takes(self, kinds: Set[type]) -> bool:
        """Return whether values of these types can be encoded."""
        return self.kinds is None or kinds <= self.kinds


async def encode_copies(
    encoders: Sequence[Encoder], columns: Sequence[str], rows: Sequence[Mapping[str, Any]], batch_size: int
) -> AsyncIterator[bytearray | Columns]:
    """Yield the data of COPYs of some MiB, and between them the blocks of rows that are left to the driver.

    Other tasks have their turn after each block, which has ``batch_size`` rows at most.

    Raises:
        ValueError: when a row has other columns.
        DataError: when a value does not fit the type of its column.
    """
    data = bytearray(HEADER)
    for block in _encode_blocks(encoders, columns, rows, batch_size):
        if isinstance(block, bytes):
            data += block
        if len(data) > (_COPY_BYTES if isinstance(block, bytes) else len(HEADER)):
            data += TRAILER
            yield data
            data = bytearray(HEADER)
        if isinstance(block, Columns):
            yield block
        await asyncio.sleep(0)
    if len(data) > len(HEADER):
        data += TRAILER
        yield data


def _encode_blocks(
    encoders: Sequence[Encoder], columns: Sequence[str], rows: Sequence[Mapping[str, Any]], batch_size: int
) -> Iterator[bytes | Columns]:
    """Yield each block of rows encoded, or as it is when it has values of unusual types."""
    start, size = 0, min(_FIRST_BLOCK_ROWS, batch_size)
    while start < len(rows):
        block = Columns.from_rows(rows[start : start + size], columns, first_index=start)
        start += size
        kinds = [set(map(type, block.column(name))) for name in columns]
        if all(encoder.takes(found) for encoder, found in zip(encoders, kinds, strict=True)):
            with translate_errors():
                encoded = encode_block(encoders, block, kinds)
            yield encoded
            size = max(size * _BLOCK_BYTES // len(encoded), 1)
        else:
            _log_unusual(encoders, columns, kinds)
            yield block
            size *= 2
        size = min(size, _MAX_BLOCK_ROWS, batch_size)


def encode_block(encoders: Sequence[Encoder], block: Columns, kinds: Sequence[Set[type]]) -> bytes:
    """Return the rows, without header and trailer; ``kinds`` are the types of each column's values."""
    fields: list[Iterable[bytes]] = [repeat(_pack_count(len(block.names)))]
    for encoder, name, found in zip(encoders, block.names, kinds, strict=True):
        fields += encoder.encode(block.column(name), found)
    return b"".join(chain.from_iterable(zip(*fields, strict=False)))  # repeat() has no end


def _log_unusual(encoders: Sequence[Encoder], columns: Sequence[str], kinds: Sequence[Set[type]]) -> None:
    for encoder, column, found in zip(encoders, columns, kinds, strict=True):
        if not encoder.takes(found):
            names = ", ".join(sorted(kind.__name__ for kind in found))
            _log.debug("bulk_insert: the driver encodes some rows: column %r has values of %s", column, names)


def _fixed(layout: str, *kinds: type) -> Encoder:
    """Return the encoder of values of a fixed size, by the ``struct`` module."""
    struct = Struct(f"!i{layout}")
    pack, size = struct.pack, struct.size - 4

    def encode(values: Sequence[Any], found: Set[type]) -> Fields:
        if NoneType not in found:
            return [map(pack, repeat(size), values)]
        return [[_NULL if value is None else pack(size, value) for value in values]]

    return Encoder(encode, {NoneType, *kinds})


def _each(encode_one: Callable[[Any], bytes], *kinds: type) -> Encoder:
    """Return the encoder that calls ``encode_one`` for each value."""
    encode_field = _field_encoder(encode_one)

    def encode(values: Sequence[Any], _: Set[type]) -> Fields:
        return [map(encode_field, values)]

    return Encoder(encode, {NoneType, *kinds})


def _each_distinct(
    encode_one: Callable[[Any], bytes],
    *kinds: type,
    is_equal_same: Callable[[Any], bool] = lambda _: True,
) -> Encoder:
    """Return the encoder that calls ``encode_one`` once for equal values, where half of them are equal.

    ``is_equal_same`` says of a value whether all that are equal to it are encoded as it is.
    """
    encode_field = _field_encoder(encode_one)

    def encode(values: Sequence[Any], _: Set[type]) -> Fields:
        distinct = set(values)
        if 2 * len(distinct) > len(values) or not all(map(is_equal_same, distinct - {None})):
            return [map(encode_field, values)]
        return [map({value: encode_field(value) for value in distinct}.__getitem__, values)]

    return Encoder(encode, {NoneType, *kinds})


def _field_encoder(encode_one: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    def encode_field(value: Any) -> bytes:
        if value is None:
            return _NULL
        content = encode_one(value)
        return _pack_size(len(content)) + content

    return encode_field


def _encode_bytes(values: Sequence[Any], found: Set[type]) -> Fields:
    if NoneType not in found:
        return [map(_pack_size, map(len, values)), values]
    return [[_NULL if value is None else _pack_size(len(value)) + value for value in values]]


def _json(version: bytes) -> Encoder:
    encode_field = _field_encoder(lambda value: version + encode_json(value))

    def encode(values: Sequence[Any], found: Set[type]) -> Fields:
        if found != {bytes}:
            return [map(encode_field, values)]
        sizes = map(_pack_size, map(len(version).__add__, map(len, values)))
        return [sizes, repeat(version), values]

    return Encoder(encode, None)


def _encode_real(value: float) -> bytes:
    content = _pack_real(value)
    if value and not any(content[1:]) and not content[0] & 0x7F:
        raise DataError("a number is too small for REAL")
    return content


_pack_real = Struct("!f").pack
TEXT = _each_distinct(str.encode, str)
# By the names that the driver has for the types that are built into PostgreSQL.
ENCODERS: Mapping[str, Encoder] = {
    "bool": _fixed("?", bool),
    "bytea": Encoder(_encode_bytes, {NoneType, bytes}),
    "int2": _fixed("h", int),
    "int4": _fixed("i", int),
    "int8": _fixed("q", int),
    "float4": _each(_encode_real, float, int),
    "float8": _fixed("d", float, int),
    "numeric": _each(encode_numeric, Decimal, int),
    "text": TEXT,
    "varchar": TEXT,
    "json": _json(b""),
    "jsonb": _json(JSONB_HEADER),
    "uuid": _each_distinct(lambda value: value.bytes, UUID, pgproto.UUID),
    "date": _each_distinct(encode_date, date),
    # Of two timestamps of a clock put back, which count as equal, a set would keep one only.
    "timestamptz": _each_distinct(
        encode_timestamptz, datetime, is_equal_same=lambda timestamp: timestamp.tzinfo is UTC
    ),
}
