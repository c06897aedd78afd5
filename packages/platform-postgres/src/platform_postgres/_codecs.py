"""The values that the driver's own codecs change, or take long for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from platform_interfaces import dump_json, load_json

if TYPE_CHECKING:
    from platform_postgres._connection import Connection

_EPOCH, _MICROSECOND = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
# src/include/datatype/timestamp.h: DT_NOEND and DT_NOBEGIN. To the driver they are the last and the first
# moment that Python has, without a time zone.
_INFINITIES = {2**63 - 1: datetime.max, -(2**63): datetime.min}  # noqa: DTZ901 - as said
_INFINITE = {moment: number for number, moment in _INFINITIES.items()}


async def set_json_codecs(connection: Connection) -> None:
    """Have JSON go in and out as Python values."""
    await _use_json(connection, "json", header=b"")
    await _use_json(connection, "jsonb", header=b"\x01")  # the version of its wire format


@asynccontextmanager
async def quick_moments(connection: Connection) -> AsyncIterator[None]:
    """A block in which writing TIMESTAMPTZ takes a quarter of the time, but reading it more.

    The driver compares each with its infinities, which takes longer than all else of a row. After an error
    it stays like that, which does no harm: the connection may not answer any more.
    """
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", format="tuple", encoder=_encode_moment, decoder=_decode_moment
    )
    yield
    await connection.reset_type_codec("timestamptz", schema="pg_catalog")


async def _use_json(connection: Connection, kind: str, header: bytes) -> None:
    def encode(value: object) -> bytes:
        return header + (value if type(value) is bytes else dump_json(value).encode())

    def decode(data: bytes) -> object:
        return load_json(data[len(header) :])

    # Binary because COPY is: a text codec breaks it.
    await connection.set_type_codec(
        kind, schema="pg_catalog", format="binary", encoder=encode, decoder=decode
    )


def _encode_moment(moment: date) -> tuple[int]:
    if not isinstance(moment, datetime):  # as the driver takes it: the beginning of that day, here
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - as said
    # Not all are remembered: in other time zones, the two moments of a clock put back count as equal.
    if moment.tzinfo is UTC:
        return _encode_utc(moment)
    if moment.tzinfo is None and moment in _INFINITE:
        return (_INFINITE[moment],)
    return _encode_utc.__wrapped__(moment.astimezone(UTC))


@lru_cache(64)  # rows that are written together share theirs
def _encode_utc(moment: datetime) -> tuple[int]:
    return ((moment - _EPOCH) // _MICROSECOND,)


def _decode_moment(value: tuple[int]) -> datetime:
    try:
        return _EPOCH + timedelta(0, 0, value[0])
    except OverflowError:
        if value[0] in _INFINITIES:
            return _INFINITIES[value[0]]
        raise
