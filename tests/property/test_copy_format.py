"""What a bulk insert sends is COPY's binary format, whatever the values, their order and the NULLs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from struct import pack
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from platform_interfaces import Columns
from platform_postgres._bulk.encode import ENCODERS, encode_copies
from platform_postgres._numeric import decode_numeric

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
DOCUMENTS = st.binary(max_size=9) | st.integers()


def encode_document(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


# By type: what its values are, and one of them as the receive function of the type reads it.
TYPES: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], bytes]]] = {
    "bool": (st.booleans(), lambda value: pack("!?", value)),
    "int2": (st.integers(-(2**15), 2**15 - 1), lambda value: pack("!h", value)),
    "int4": (st.integers(-(2**31), 2**31 - 1), lambda value: pack("!i", value)),
    "int8": (st.integers(-(2**63), 2**63 - 1), lambda value: pack("!q", value)),
    "float4": (st.floats(width=32, allow_subnormal=False), lambda value: pack("!f", value)),
    "float8": (st.floats() | st.integers(-9, 9), lambda value: pack("!d", value)),
    "text": (TEXTS, lambda value: value.encode()),
    "bytea": (st.binary(max_size=9), bytes),
    "date": (st.dates(), lambda value: pack("!i", (value - date(2000, 1, 1)).days)),
    "timestamptz": (
        st.datetimes(timezones=st.just(UTC)),
        lambda value: pack("!q", (value - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)),
    ),
    "uuid": (st.uuids(), lambda value: value.bytes),
    "json": (DOCUMENTS, encode_document),
    "jsonb": (DOCUMENTS, lambda value: b"\1" + encode_document(value)),
}


def encode_by_the_book(kinds: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Return the data of one COPY: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"."""
    data = b"PGCOPY\n\xff\r\n\0" + pack("!ii", 0, 0)  # signature, flags, length of the extension
    for row in rows:
        data += pack("!h", len(row))
        for kind, value in zip(kinds, row, strict=True):
            field = None if value is None else TYPES[kind][1](value)
            data += pack("!i", -1) if field is None else pack("!i", len(field)) + field
    return data + pack("!h", -1)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Types of columns, and rows, of which many are equal."""
    kinds = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=4))
    rows = draw(st.lists(st.tuples(*(st.none() | TYPES[kind][0] for kind in kinds)), min_size=1, max_size=9))
    return kinds, rows * draw(st.integers(1, 9))


async def encode(kinds: Sequence[str], rows: Sequence[tuple[Any, ...]], batch_size: int) -> list[Any]:
    names = [f"column{index}" for index in range(len(kinds))]
    records = [dict(zip(names, row, strict=True)) for row in rows]
    parts = encode_copies([ENCODERS[kind] for kind in kinds], names, records, batch_size)
    return [part async for part in parts]


@given(tables(), st.integers(1, 99))
def test_rows_are_encoded_by_the_book(
    table: tuple[list[str], list[tuple[Any, ...]]], batch_size: int
) -> None:
    [data] = asyncio.run(encode(*table, batch_size))
    assert data == encode_by_the_book(*table)


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4), min_size=1, max_size=9))
def test_a_number_of_many_digits_is_encoded_as_it_is_read(numbers: list[Decimal]) -> None:
    [data] = asyncio.run(encode(["numeric"], [(number,) for number in numbers], 99))
    start = len(encode_by_the_book([], [])) - 2
    for number in numbers:
        size = int.from_bytes(data[start + 2 : start + 6])
        start += 6 + size
        assert decode_numeric(bytes(data[start - size : start])).as_tuple() == number.as_tuple()


def test_only_rows_with_unusual_values_are_left_to_the_driver() -> None:
    rows: list[tuple[Any, ...]] = [(number / 4,) for number in range(1000)]
    rows[100] = (Decimal(1),)
    before, left, after = asyncio.run(encode(["float8"], rows, 100))
    assert isinstance(left, Columns)
    start = (len(before) - len(encode_by_the_book([], []))) // len(pack("!hid", 1, 8, 0.0))
    end = start + len(left)
    assert start <= 100 < end
    assert list(left.column("column0")) == [value for (value,) in rows[start:end]]
    assert before == encode_by_the_book(["float8"], rows[:start])
    assert after == encode_by_the_book(["float8"], rows[end:])
