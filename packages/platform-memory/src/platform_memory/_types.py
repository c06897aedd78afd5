"""The values that a type accepts: what PostgreSQL's driver refuses is refused, not converted."""

import math
import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sized
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from platform_interfaces import DataError

_INTEGER = (int,)
_NUMBER = (float, int, Decimal)
_ACCEPTED_TYPES: dict[str, tuple[type, ...]] = {
    "BOOLEAN": (bool,),
    "SMALLINT": _INTEGER,
    "INTEGER": _INTEGER,
    "BIGINT": _INTEGER,
    "FLOAT": _NUMBER,
    "DOUBLE": _NUMBER,
    "DECIMAL": _NUMBER,
    "VARCHAR": (str,),
    "BLOB": (bytes, bytearray, memoryview),
    "DATE": (date,),
    "TIME": (time,),
    "TIMESTAMP": (datetime,),
    "TIMESTAMP WITH TIME ZONE": (datetime,),
    "INTERVAL": (timedelta,),
    "UUID": (UUID, str),
}
_NAMES = {
    **dict.fromkeys(("int", "integer", "int4"), "INTEGER"),
    **dict.fromkeys(("bigint", "int8"), "BIGINT"),
    **dict.fromkeys(("smallint", "int2"), "SMALLINT"),
    **dict.fromkeys(("float8", "double precision", "double", "float"), "DOUBLE"),
    **dict.fromkeys(("real", "float4"), "FLOAT"),
    **dict.fromkeys(("numeric", "decimal"), "DECIMAL"),
    **dict.fromkeys(("text", "varchar", "character varying"), "VARCHAR"),
    **dict.fromkeys(("boolean", "bool"), "BOOLEAN"),
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), "TIMESTAMP WITH TIME ZONE"),
    **dict.fromkeys(("timestamp", "timestamp without time zone"), "TIMESTAMP"),
    **dict.fromkeys(("json", "jsonb"), "JSON"),
    "bytea": "BLOB",
    "date": "DATE",
    "time": "TIME",
    "interval": "INTERVAL",
    "uuid": "UUID",
}


def find_type(name: str) -> str | None:
    """Return DuckDB's name of a type of PostgreSQL's, or None when there is none."""
    element, brackets, _ = name.lower().partition("[")
    kind = _NAMES.get(" ".join(element.split()))
    return f"{kind}[]" if kind and brackets else kind


def check_value(kind: str, value: Any) -> None:
    """Check a value for a column or placeholder of type ``kind``.

    Raises:
        DataError: when PostgreSQL's driver would refuse it.
    """
    if value is None:
        return
    if kind.endswith("]"):
        _check_array(kind.rpartition("[")[0], value)
        return
    base = kind.partition("(")[0]
    if not isinstance(value, _ACCEPTED_TYPES.get(base, object)):
        raise DataError(f"{base} takes no value of the type {type(value).__name__!r}")
    if check := _CHECKS.get(base):
        check(value)


def _check_array(element: str, value: Any) -> None:
    is_array = isinstance(value, Iterable) and isinstance(value, Sized)
    if not is_array or isinstance(value, str | bytes | bytearray | memoryview | Mapping):
        raise DataError(f"an array of {element} takes no value of the type {type(value).__name__!r}")
    for item in value:
        check_value(element, item)


def _check_date(value: date) -> None:
    if isinstance(value, datetime):
        raise DataError("DATE takes a date, not a value of the type 'datetime'")


def _check_timestamp(value: datetime) -> None:
    if value.tzinfo is not None:
        raise DataError("TIMESTAMP takes no datetime with a time zone: the column should be TIMESTAMPTZ")


def _check_timestamptz(value: datetime) -> None:
    if value.utcoffset() is None:
        raise DataError("TIMESTAMPTZ takes no datetime without a time zone: give it one, such as UTC")
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise DataError("TIMESTAMPTZ takes no datetime that is before year 1 or after 9999 in UTC") from None


def _check_time(value: time) -> None:
    if value.tzinfo is not None:
        raise DataError("TIME takes no time with a time zone, which would be lost")


def _check_float(value: float | Decimal, layout: str = "d") -> None:
    is_finite = value.is_finite() if isinstance(value, Decimal) else abs(value) < math.inf
    try:
        [stored] = struct.unpack(layout, struct.pack(layout, float(value)))
    except OverflowError:
        stored = math.inf
    except ValueError:
        raise DataError("a signalling NaN cannot be stored as floating point") from None
    if is_finite and (math.isinf(stored) or (value and not stored)):
        raise DataError(f"a number is too {'large' if stored else 'small'} for this type of floating point")


def _check_uuid(value: UUID | str) -> None:
    if isinstance(value, str) and not re.fullmatch("[0-9A-Fa-f]{32}", value.replace("-", "")):
        raise DataError("UUID takes a text of 32 hexadecimal digits")


def _check_real(value: float | Decimal) -> None:
    _check_float(value, "f")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "DATE": _check_date,
    "TIME": _check_time,
    "TIMESTAMP": _check_timestamp,
    "TIMESTAMP WITH TIME ZONE": _check_timestamptz,
    "FLOAT": _check_real,
    "DOUBLE": _check_float,
    "UUID": _check_uuid,
}
