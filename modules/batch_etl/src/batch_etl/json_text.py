"""JSON with every number kept as it was written."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

# What PostgreSQL's numeric, and with it jsonb, can hold:
# https://www.postgresql.org/docs/current/datatype-numeric.html
_MOST_DIGITS_BEFORE_POINT = 131_072
_MOST_DIGITS_AFTER_POINT = 16_383
_DIGITS_OF_INT = 640  # the smallest limit that Python may be given


class NumberOutOfRangeError(ValueError):
    """A number that no database column can hold."""


def parse_json(text: bytes | str) -> Any:
    """The Python value; numbers with a fraction, an exponent or very many digits are ``Decimal``.

    Raises:
        NumberOutOfRangeError: when it has a number that no database column can hold.
        ValueError: when it is no JSON.
    """
    try:
        return decode_json(text)
    except msgspec.ValidationError:  # an integer of more digits than int takes; rare, so told by trying
        return _parse_long_integers(text if isinstance(text, str) else text.decode())
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _parse_long_integers(text: str) -> Any:
    """The same value by a parser that takes any integer, but has to be kept from taking more than JSON."""
    try:
        value = json.loads(text, parse_float=_exact, parse_int=_integer, parse_constant=_refuse)
        dump_canonical(value)  # raises a ValueError for half of a surrogate pair
    except RecursionError as error:
        raise ValueError(str(error)) from error
    return value


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _DIGITS_OF_INT else _exact(text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _exact(text: str) -> Decimal:
    if len(text) < _MOST_DIGITS_AFTER_POINT and "e" not in text and "E" not in text:
        return Decimal(text)
    try:
        number = Decimal(text)
    except InvalidOperation as error:  # the exponent alone has more than 18 digits
        raise NumberOutOfRangeError("number out of range") from error
    exponent = number.as_tuple().exponent
    if number.adjusted() >= _MOST_DIGITS_BEFORE_POINT or int(exponent) < -_MOST_DIGITS_AFTER_POINT:
        raise NumberOutOfRangeError("number out of range")
    return number


decode_json = msgspec.json.Decoder(float_hook=_exact).decode
"""The same for most texts; what it raises for others is of many kinds."""

dump_canonical = msgspec.json.Encoder(order="sorted", decimal_format="number").encode
"""The shortest text with sorted keys: equal for values that differ in key order and blanks only."""
