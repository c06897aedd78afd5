"""JSON as databases hold it: no number is changed on its way in or out."""

import json
import sys
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID


def dump_json(value: Any) -> str:
    """Return ``value`` as JSON text; ``bytes`` are such text already.

    A ``Decimal`` is written as the number it is, a date, a time and a timestamp as ISO 8601 text, a ``UUID``
    as its text, so that a row which the platform returned can be written.

    Raises:
        ValueError: for NaN and infinities, which JSON does not have, and for bytes that are not UTF-8.
        TypeError: for what is no JSON value.
    """
    if isinstance(value, bytes):
        return value.decode()
    try:
        return _ENCODER.encode(value)
    except TypeError:  # a Decimal inside: the json module cannot be taught to write it as a number
        return _dump(value)


def _to_text(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is not a JSON value")


def load_json(text: str | bytes) -> Any:
    """The Python value of JSON text.

    A number with a fraction or an exponent is a ``float`` where that is the same number, else a
    ``Decimal``, so that writing it back stores an equal number. So is an integer of more digits than
    ``int`` takes (``sys.get_int_max_str_digits``, 4300 by default).

    Raises:
        ValueError: when it is no JSON.
    """
    if isinstance(text, bytes):
        text = text.decode()
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer that is too long; asking for each would slow down all the others
        return json.loads(text, parse_float=_parse_number, parse_int=_parse_integer)


def _parse_integer(text: str) -> int | Decimal:
    return int(text) if len(text) < sys.get_int_max_str_digits() else Decimal(text)


def _parse_number(text: str) -> float | Decimal:
    number = float(text)
    if repr(number) == text or Decimal(repr(number)) == Decimal(text):
        return number
    return Decimal(text)


def _dump(value: Any) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is no JSON number")
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_dump_key(key)}:{_dump(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_dump, value)) + "]"
    return _ENCODER.encode(value)


def _dump_key(key: object) -> str:
    # Through an object, so that the json module's own rules for keys hold here, too.
    return _ENCODER.encode({key: 0})[1:-3]


# Given such options, json.dumps and json.loads would make a new one for every call.
_ENCODER = json.JSONEncoder(default=_to_text, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_float=_parse_number)
