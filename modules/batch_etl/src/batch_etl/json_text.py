"""JSON with every number kept as it was written."""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

# What PostgreSQL's numeric, and with it jsonb, can hold:
# https://www.postgresql.org/docs/current/datatype-numeric.html
_MOST_DIGITS_BEFORE_POINT = 131_072
_MOST_DIGITS_AFTER_POINT = 16_383


def parse_json(text: bytes | str) -> Any:
    """The Python value; integers of any size are ``int``, numbers with a fraction or exponent ``Decimal``.

    Raises:
        ValueError: when it is no JSON, or has a number that no database column can hold.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, InvalidOperation) as error:
        raise ValueError(str(error)) from error


def dump_canonical(value: Any) -> str:
    """The shortest text with sorted keys: equal for values that differ in key order and blanks only."""
    return _encoder.encode(value).decode()


def _exact(text: str) -> Decimal:
    number = Decimal(text)  # raises InvalidOperation for an exponent of more than 18 digits
    exponent = number.as_tuple().exponent
    if number.adjusted() >= _MOST_DIGITS_BEFORE_POINT or int(exponent) < -_MOST_DIGITS_AFTER_POINT:
        raise ValueError("number out of range")
    return number


_decoder = msgspec.json.Decoder(float_hook=_exact)
_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")
