"""NUMERIC in PostgreSQL's binary format; unlike the driver's codec, it changes no number silently.

The driver stores a number with too many digits as another one, and 0.1 as the binary fraction nearest to it.
The format: src/backend/utils/adt/numeric.c, ``numeric_send``; digits are in groups of four.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from struct import Struct, pack, unpack_from

from platform_interfaces import DataError

# What NUMERIC holds before the decimal point and after it.
MAX_DIGITS = 131_072
MAX_DECIMALS = 16_383
_HEADER = Struct("!HhHH")  # count of groups, weight of the first, sign, decimals
_NEGATIVE = 0x4000
_SPECIAL = {"NaN": 0xC000, "Infinity": 0xD000, "-Infinity": 0xF000}
_SPECIAL_NAMES = {sign: name for name, sign in _SPECIAL.items()}
_MAX_CACHED_BYTES = 64
_CACHED = 4096  # distinct values


def encode_numeric(value: Decimal | float) -> bytes:
    """Return a ``Decimal``, ``int`` or ``float`` as NUMERIC; a float as the shortest number that reads as it.

    Raises:
        DataError: when it is none of these, or NUMERIC has not so many digits.
    """
    number = _to_decimal(value)
    if not number.is_finite():
        return _encode_special(number)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101 - of a finite number
    if (number and number.adjusted() >= MAX_DIGITS) or exponent < -MAX_DECIMALS:
        raise DataError(
            f"NUMERIC has at most {MAX_DIGITS} digits before the decimal point and {MAX_DECIMALS} after it"
        )
    whole, _, decimals = f"{number.copy_abs():f}".partition(".")
    text = "0" * (-len(whole) % 4) + whole + decimals + "0" * (-len(decimals) % 4)
    groups = [int(text[start : start + 4]) for start in range(0, len(text), 4)]
    weight = (len(whole) + 3) // 4 - 1
    sign = _NEGATIVE if number.is_signed() else 0
    return _HEADER.pack(len(groups), weight, sign, len(decimals)) + pack(f"!{len(groups)}h", *groups)


def decode_numeric(data: bytes) -> Decimal:
    """Return the number with all its decimals, including trailing zeros."""
    return _decode_short(data) if len(data) <= _MAX_CACHED_BYTES else _decode(data)


def _decode(data: bytes) -> Decimal:
    count, weight, sign, decimals = _HEADER.unpack_from(data)
    if sign in _SPECIAL_NAMES:
        return Decimal(_SPECIAL_NAMES[sign])
    text = "".join(map("%04d".__mod__, unpack_from(f"!{count}h", data, _HEADER.size)))
    surplus = 4 * (weight + 1 - count) + decimals  # digits that are 0 are not sent
    text = text + "0" * surplus if surplus >= 0 else text[:surplus]
    return Decimal(f"{'-' if sign == _NEGATIVE else ''}{text or '0'}E-{decimals}")


_decode_short = lru_cache(_CACHED)(_decode)  # a column often repeats its numbers


def _to_decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        return Decimal(float.__repr__(value))
    if isinstance(value, int):
        return Decimal(int(value))
    raise DataError(f"NUMERIC takes a number, not a value of the type {type(value).__name__!r}")


def _encode_special(number: Decimal) -> bytes:
    sign = _SPECIAL.get(str(number))
    if sign is None:
        raise DataError("NUMERIC does not take a signalling NaN, or a NaN with a sign or digits")
    return _HEADER.pack(0, 0, sign, 0)
