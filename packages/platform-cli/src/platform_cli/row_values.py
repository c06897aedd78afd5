"""The values of rows as text that others read: exact in JSON and CSV, as PostgreSQL writes them."""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any

from platform_interfaces import dump_json


def to_json(value: Any) -> str:
    """Return a value as JSON, with all digits of a number.

    NaN and infinities are text, timestamps, dates, times and intervals ISO 8601, bytes ``\\x`` and
    hexadecimal digits, each as PostgreSQL's ``to_jsonb`` writes them.
    """
    plain = _plain(value)
    return str(plain) if type(plain) in (int, Decimal) else dump_json(plain)


def to_text(value: Any) -> str:
    """Return a value as text: what is text in JSON as it is, all else as JSON."""
    plain = _plain(value)
    return plain if isinstance(plain, str) else to_json(plain)


def _plain(value: Any) -> Any:
    """Return ``value`` with nothing but what JSON has, and numbers."""
    make = _MAKERS.get(type(value), _make_plain)
    return make(value)


def _as_it_is(value: Any) -> Any:
    return value


def _make_float(value: float) -> float | str:
    return value if math.isfinite(value) else _name_of(value, is_nan=math.isnan(value))


def _make_decimal(
    value: Decimal,
) -> Decimal | str:  # one above 1.8e308 is not an infinity, which math calls it
    return value if value.is_finite() else _name_of(value, is_nan=value.is_nan())


def _name_of(value: float | Decimal, *, is_nan: bool) -> str:
    return "NaN" if is_nan else "Infinity" if value > 0 else "-Infinity"


def _make_list(value: Iterable[Any]) -> list[Any]:
    return [_plain(item) for item in value]


def _make_object(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(item) for key, item in value.items()}


def _make_hexadecimal(value: bytes) -> str:
    return f"\\x{value.hex()}"


def _make_time(value: date | time) -> str:
    return value.isoformat()


def _make_interval(value: timedelta) -> str:
    # Each part has its sign, as PostgreSQL writes and reads them.
    sign = -1 if value < timedelta() else 1
    whole = abs(value)
    seconds = Decimal(whole.seconds) + Decimal(whole.microseconds).scaleb(-6)
    return f"P{sign * whole.days}DT{(sign * seconds).normalize():f}S"


def _make_plain(value: Any) -> Any:
    """Return what a driver makes of the types that are not in the table: composites, ranges, networks."""
    if hasattr(value, "as_string"):  # bits
        return value.as_string()
    if isinstance(value, tuple) or hasattr(value, "points"):  # geometry
        return _make_list(getattr(value, "points", value))
    if hasattr(value, "items"):
        return _make_object(dict(value.items()))
    return _make_range(value) if hasattr(value, "lower_inc") else str(value)


def _make_range(value: Any) -> str:
    if value.isempty:
        return "empty"
    lower, upper = ("" if bound is None else to_text(bound) for bound in (value.lower, value.upper))
    return f"{'[' if value.lower_inc else '('}{lower},{upper}{']' if value.upper_inc else ')'}"


_MAKERS: Mapping[type, Callable[[Any], Any]] = {
    **dict.fromkeys((NoneType, bool, int, str), _as_it_is),
    float: _make_float,
    Decimal: _make_decimal,
    **dict.fromkeys((list, tuple), _make_list),
    **dict.fromkeys((date, datetime, time), _make_time),
    bytes: _make_hexadecimal,
    dict: _make_object,
    timedelta: _make_interval,
}
