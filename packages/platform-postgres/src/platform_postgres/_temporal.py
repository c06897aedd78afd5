"""Dates and times in PostgreSQL's binary format; unlike the driver's codecs, these change none silently.

The driver stores the first and the last day and timestamp that Python has as infinities, reads infinities as
these, takes naive timestamps for local time, and reads a month as thirty days. Here a value is stored as it
is, or refused. The format: src/backend/utils/adt/{date,timestamp}.c, the functions ending in ``_send``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from struct import Struct
from typing import NoReturn

from platform_interfaces import DataError

_EPOCH_DAY = date(2000, 1, 1).toordinal()
_EPOCH, _NAIVE_EPOCH = datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1)  # noqa: DTZ001 - of TIMESTAMP
_MICROSECOND, _SECOND = timedelta(microseconds=1), timedelta(seconds=1)
_DAY_MICROSECONDS = 86_400_000_000
_INT, _LONG = Struct("!i"), Struct("!q")
_TIMETZ, _INTERVAL = Struct("!qi"), Struct("!qii")
_INFINITE_DAYS = {2**31 - 1: "infinity", -(2**31): "-infinity"}
_INFINITE_TIMESTAMPS = {2**63 - 1: "infinity", -(2**63): "-infinity"}
_CACHED = 4096  # distinct values; equal ones are frequent, and a call to Python is slow


def encode_date(value: date) -> bytes:
    """Return ``value`` as DATE.

    Raises:
        DataError: when it is not a date, or is a datetime, whose time would be lost.
    """
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _wrong_type("DATE", "a date", value)
    return _INT.pack(value.toordinal() - _EPOCH_DAY)


@lru_cache(_CACHED)
def decode_date(data: bytes) -> date:
    """Return the date; raise DataError for infinity and for years that Python does not have."""
    [days] = _INT.unpack(data)
    try:
        return date.fromordinal(days + _EPOCH_DAY)
    except (ValueError, OverflowError):
        _refuse("DATE", _INFINITE_DAYS.get(days))


def encode_timestamptz(value: datetime) -> bytes:
    """Return ``value`` as TIMESTAMPTZ.

    Raises:
        DataError: when it is not a datetime, has no time zone, or is in another year than 1 to 9999 in UTC.
    """
    if not isinstance(value, datetime):
        raise _wrong_type("TIMESTAMPTZ", "a datetime", value)
    if value.tzinfo is not UTC:
        if value.utcoffset() is None:
            raise DataError(
                "TIMESTAMPTZ does not take a datetime without a time zone: give it one, such as UTC"
            )
        value = _to_utc(value)
    return _LONG.pack((value - _EPOCH) // _MICROSECOND)


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise DataError("TIMESTAMPTZ does not take a datetime before year 1 or after 9999 in UTC") from None


def decode_timestamptz(data: bytes) -> datetime:
    """Return the timestamp in UTC; raise DataError for infinity and for years that Python does not have."""
    [microseconds] = _LONG.unpack(data)
    try:
        return _EPOCH + timedelta(0, 0, microseconds)
    except OverflowError:
        _refuse("TIMESTAMPTZ", _INFINITE_TIMESTAMPS.get(microseconds))


def encode_timestamp(value: datetime) -> bytes:
    """Return ``value`` as TIMESTAMP.

    Raises:
        DataError: when it is not a datetime, or has a time zone, which would be lost.
    """
    if not isinstance(value, datetime):
        raise _wrong_type("TIMESTAMP", "a datetime", value)
    if value.tzinfo is not None:
        raise DataError("TIMESTAMP does not take a datetime with a time zone: make the column TIMESTAMPTZ")
    return _LONG.pack((value - _NAIVE_EPOCH) // _MICROSECOND)


def decode_timestamp(data: bytes) -> datetime:
    """Return the naive timestamp; raise DataError for infinity and for years that Python does not have."""
    [microseconds] = _LONG.unpack(data)
    try:
        return _NAIVE_EPOCH + timedelta(0, 0, microseconds)
    except OverflowError:
        _refuse("TIMESTAMP", _INFINITE_TIMESTAMPS.get(microseconds))


def encode_time(value: time) -> bytes:
    """Return ``value`` as TIME; raise DataError when it is not a time, or has a time zone."""
    if not isinstance(value, time):
        raise _wrong_type("TIME", "a time", value)
    if value.tzinfo is not None:
        raise DataError("TIME does not take a time with a time zone, which would be lost")
    return _LONG.pack(_to_microseconds(value))


def decode_time(data: bytes) -> time:
    """Return the time; raise DataError for 24:00, which Python does not have."""
    [microseconds] = _LONG.unpack(data)
    return _read_time(microseconds)


def encode_timetz(value: time) -> bytes:
    """Return ``value`` as TIMETZ.

    Raises:
        DataError: when it is not a time, or has no fixed offset of whole seconds.
    """
    if not isinstance(value, time):
        raise _wrong_type("TIMETZ", "a time", value)
    offset = value.utcoffset()
    if offset is None or offset % _SECOND:
        raise DataError("TIMETZ does not take a time without a fixed offset from UTC, in whole seconds")
    return _TIMETZ.pack(_to_microseconds(value), -(offset // _SECOND))


def decode_timetz(data: bytes) -> time:
    """Return the time with its offset; raise DataError for 24:00, which Python does not have."""
    microseconds, seconds_west = _TIMETZ.unpack(data)
    return _read_time(microseconds).replace(tzinfo=timezone(timedelta(seconds=-seconds_west)))


def encode_interval(value: timedelta) -> bytes:
    """Return ``value`` as INTERVAL; raise DataError when it is not a timedelta, or too long."""
    if not isinstance(value, timedelta):
        raise _wrong_type("INTERVAL", "a timedelta", value)
    return _INTERVAL.pack(value.seconds * 1_000_000 + value.microseconds, value.days, 0)


def decode_interval(data: bytes) -> timedelta:
    """Return the interval; raise DataError for one with months, whose length differs, and for infinity."""
    microseconds, days, months = _INTERVAL.unpack(data)
    if months:
        raise DataError(
            "an INTERVAL from the database with months or years, or an infinite one, is not a timedelta: "
            "read it as text or as EXTRACT(EPOCH FROM …)"
        )
    return timedelta(days, 0, microseconds)


def _to_microseconds(value: time) -> int:
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def _read_time(microseconds: int) -> time:
    if microseconds >= _DAY_MICROSECONDS:
        raise DataError("the time 24:00 from the database does not exist in Python: read it as text")
    return (_NAIVE_EPOCH + timedelta(0, 0, microseconds)).time()


def _wrong_type(kind: str, wanted: str, value: object) -> DataError:
    return DataError(f"{kind} takes {wanted}, not a value of the type {type(value).__name__!r}")


def _refuse(kind: str, infinity: str | None) -> NoReturn:
    what = f"is {infinity!r}" if infinity else "has a year before 1 or after 9999"
    raise DataError(f"a {kind} from the database {what}, which does not exist in Python: read it as text")
