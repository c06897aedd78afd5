"""JSON as databases hold it: no number is changed on its way in or out."""

import json
import sys
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

MAX_JSON_DEPTH = 500
"""Levels of arrays and objects that are read and written; interpreters have higher limits, which differ."""


def dump_json(value: Any) -> str:
    """Return ``value`` as JSON text; ``bytes`` are such text already.

    A ``Decimal`` is written as the number it is, a date, a time and a timestamp as ISO 8601 text, a ``UUID``
    as its text, so that a row which the platform returned can be written.

    Raises:
        ValueError: for NaN and infinities, which JSON does not have, for bytes that are not UTF-8, and for
            a value of more than ``MAX_JSON_DEPTH`` levels.
        TypeError: for what is not a JSON value.
    """
    if isinstance(value, bytes):
        return value.decode()
    try:
        text = _ENCODER.encode(value)
    except TypeError:  # a Decimal inside: the json module cannot write it as a number
        text = _dump(value, 0)
    except RecursionError:
        raise _too_deep() from None
    _check_depth(text, value)
    return text


def _to_text(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is not a JSON value")


def load_json(text: str | bytes) -> Any:
    """Return the Python value of JSON text.

    A number with a fraction or an exponent is a ``float`` where that is the same number, else a
    ``Decimal``, so that writing it back stores an equal number. So is an integer of more digits than
    ``int`` takes (``sys.get_int_max_str_digits``, 4300 by default).

    Raises:
        ValueError: when it is not JSON, or has more than ``MAX_JSON_DEPTH`` levels.
    """
    if isinstance(text, bytes):
        text = text.decode()
    try:
        value = _decode(text)
    except RecursionError:
        raise _too_deep() from None
    _check_depth(text, value)
    return value


def _decode(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer that is too long; asking for each would slow down all the others
        return json.loads(text, parse_float=_parse_number, parse_int=_parse_integer)


def _check_depth(text: str, value: Any) -> None:
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:  # nearly all
        return
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [item for parent in level for item in _items(parent) if isinstance(item, dict | list | tuple)]
        if not level:
            return
    raise _too_deep()


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _too_deep() -> ValueError:
    return ValueError(f"JSON of more than {MAX_JSON_DEPTH} levels is neither read nor written")


def _parse_integer(text: str) -> int | Decimal:
    return int(text) if len(text) < sys.get_int_max_str_digits() else Decimal(text)


def _parse_number(text: str) -> float | Decimal:
    number = float(text)
    if repr(number) == text or Decimal(repr(number)) == Decimal(text):
        return number
    return Decimal(text)


def _dump(value: Any, depth: int) -> str:
    # Loops, for comprehensions would take a second frame a level on Python 3.11.
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is not a JSON number")
        return str(value)
    if not isinstance(value, dict | list | tuple):
        return _ENCODER.encode(value)
    if depth == MAX_JSON_DEPTH:
        raise _too_deep()
    parts = []
    if isinstance(value, dict):
        for key, item in value.items():
            parts.append(f"{_dump_key(key)}:{_dump(item, depth + 1)}")
        return "{" + ",".join(parts) + "}"
    for item in value:
        parts.append(_dump(item, depth + 1))  # noqa: PERF401
    return "[" + ",".join(parts) + "]"


def _dump_key(key: object) -> str:
    # Through an object, so that the json module's own rules for keys hold here, too.
    return _ENCODER.encode({key: 0})[1:-3]


# Given such options, json.dumps and json.loads would make a new one for every call.
_ENCODER = json.JSONEncoder(default=_to_text, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_float=_parse_number)
