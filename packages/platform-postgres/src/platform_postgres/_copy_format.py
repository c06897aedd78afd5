"""Rows as COPY takes them in its binary format, for the types that most columns have.

Whole columns are encoded at a time, which takes half of what the driver takes, value by value. The format:
https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"; a value is what the receive function
of its type reads. Types are known by their numbers in src/include/catalog/pg_type.dat, which never change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain, repeat
from struct import Struct
from types import NoneType
from typing import Any
from uuid import UUID

from asyncpg.pgproto import pgproto

from platform_interfaces import Columns, column_values
from platform_postgres._codecs import JSONB_HEADER, encode_json
from platform_postgres._numeric import encode_numeric
from platform_postgres._temporal import encode_date, encode_timestamptz

HEADER, TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_pack_count, _pack_size = Struct("!h").pack, Struct("!i").pack

Encoder = Callable[[Sequence[Any]], Sequence[Iterable[bytes]]]
"""What a column's values become: the pieces of each value are at the same place in all of the iterables."""


class NotEncodableError(Exception):
    """What the driver may know how to encode; or what nobody does, which it says better."""


def find_encoders(types: Iterable[int]) -> list[Encoder]:
    """One for each column, by the number of its type.

    Raises:
        NotEncodableError: when there is none for one of them.
    """
    try:
        return [_ENCODERS[number] for number in types]
    except KeyError:
        raise NotEncodableError from None


def encode_rows(
    encoders: Sequence[Encoder], columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> bytes:
    """The rows, without header and trailer.

    Raises:
        NotEncodableError: when a row has other columns, or a value is not of the type that its column's
            values usually have.
    """
    pieces: list[Iterable[bytes]] = [repeat(_pack_count(len(columns)))]
    try:
        for encoder, column in zip(encoders, columns, strict=True):
            pieces += encoder(column_values(rows, column))
        # Only now, for a row may make up what it lacks.
        if not isinstance(rows, Columns) and set(map(len, rows)) != {len(columns)}:
            raise NotEncodableError
        return b"".join(chain.from_iterable(zip(*pieces, strict=False)))  # the repeated ones have no end
    except Exception:  # noqa: BLE001 - of many kinds, which quote values; the driver finds out
        raise NotEncodableError from None


def _check(values: Sequence[Any], *kinds: type) -> bool:
    """Whether none is NULL."""
    found = set(map(type, values))
    if others := found.difference(kinds, (NoneType,)):
        raise TypeError(f"no value of {others}")
    return NoneType not in found


def _packed(layout: str, *kinds: type) -> Encoder:
    """For values of a fixed size, by the ``struct`` module."""
    struct = Struct(f"!i{layout}")
    pack, size = struct.pack, struct.size - 4

    def encode(values: Sequence[Any]) -> Sequence[Iterable[bytes]]:
        if _check(values, *kinds):
            return [map(pack, repeat(size), values)]
        return [[_NULL if value is None else pack(size, value) for value in values]]

    return encode


def _each(
    encode_one: Callable[[Any], bytes],
    *kinds: type,
    is_equal_same: Callable[[Any], bool] = lambda _: True,
) -> Encoder:
    """For values that each take long, and of which many are often equal.

    ``is_equal_same`` says of a value whether all that are equal to it are encoded as it is.
    """

    def encode_field(value: Any) -> bytes:
        if value is None:
            return _NULL
        content = encode_one(value)
        return _pack_size(len(content)) + content

    def encode(values: Sequence[Any]) -> Sequence[Iterable[bytes]]:
        _check(values, *kinds)
        distinct = set(values)
        if 2 * len(distinct) > len(values) or not all(map(is_equal_same, distinct - {None})):
            return [map(encode_field, values)]
        return [map({value: encode_field(value) for value in distinct}.__getitem__, values)]

    return encode


def _sized(prefix: bytes, contents: Sequence[bytes]) -> Sequence[Iterable[bytes]]:
    if not prefix:
        return map(_pack_size, map(len, contents)), contents
    return map(_pack_size, map(len(prefix).__add__, map(len, contents))), repeat(prefix), contents


def _bytes(values: Sequence[Any]) -> Sequence[Iterable[bytes]]:
    if _check(values, bytes):
        return _sized(b"", values)
    return [[_NULL if value is None else _pack_size(len(value)) + value for value in values]]


def _json(version: bytes) -> Encoder:
    def encode(values: Sequence[Any]) -> Sequence[Iterable[bytes]]:
        if set(map(type, values)) == {bytes}:
            return _sized(version, values)
        return [map(encode_field, values)]

    def encode_field(value: Any) -> bytes:
        if value is None:
            return _NULL
        content = version + encode_json(value)
        return _pack_size(len(content)) + content

    return encode


def _real(value: float) -> bytes:
    content = _pack_real(value)
    if value and not any(content[1:]) and not content[0] & 0x7F:
        raise ValueError("too small, and would become 0")
    return content


_pack_real = Struct("!f").pack
_text = _each(str.encode, str)
_ENCODERS: Mapping[int, Encoder] = {
    16: _packed("?", bool),
    17: _bytes,
    20: _packed("q", int),
    21: _packed("h", int),
    23: _packed("i", int),
    25: _text,
    114: _json(b""),
    700: _each(_real, float, int, is_equal_same=lambda _: False),  # 0.0 and -0.0 are equal
    701: _packed("d", float, int),
    1043: _text,  # character varying
    1082: _each(encode_date, date),
    # Of two timestamps of a clock put back, which count as equal, a set would keep one only.
    1184: _each(encode_timestamptz, datetime, is_equal_same=lambda timestamp: timestamp.tzinfo is UTC),
    1700: _each(encode_numeric, Decimal, int, is_equal_same=lambda _: False),  # 1.0 and 1.00 are equal
    2950: _each(lambda value: value.bytes, UUID, pgproto.UUID),
    3802: _json(JSONB_HEADER),
}
