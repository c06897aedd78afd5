"""JSON with every number kept as it was written, within limits that are the same on every interpreter."""

import json
import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, TypeAlias, TypeVar

import msgspec

from batch_etl.ingest.codes import MAX_RECORD_DEPTH

# What PostgreSQL's numeric, and with it jsonb, can hold:
# https://www.postgresql.org/docs/current/datatype-numeric.html
_MOST_DIGITS_BEFORE_POINT = 131_072
_MOST_DIGITS_AFTER_POINT = 16_383
_MAX_EXPONENT_OF_ZERO = 2**30 - 1  # 0e999999 is 0; what PostgreSQL refuses is only an exponent beyond this
_DIGITS_OF_INT = 640  # the smallest limit that Python may be given

_NO_MARKS = bytes(set(range(256)) - set(b'"{[]}'))
_STEPS = {ord("{"): 1, ord("["): 1, ord("]"): -1, ord("}"): -1}
_CLOSERS = bytes.maketrans(b"{[", b"}]")

# What the rest of a JSON value may begin with, up to its closing brackets: where a string is open, whose last
# escape may lack its end; and where none is.
_STRING_ENDS = tuple(
    escape + close
    for escape in (
        *(b"", b"\\", b"0000", b"000", b"00", b"0"),
        *(b"\\udc00", b"udc00", b"dc00", b"c00", b"00\\udc00", b"0\\udc00"),
    )
    for close in (b'"', b'":0')
)
_VALUE_ENDS = (
    b"",
    b"0",
    b":0",
    b'"":0',
    *(word[n:] for word in (b"true", b"false", b"null") for n in (1, 2, 3, 4)),
)

Result = TypeVar("Result")


class NumberOutOfRangeError(ValueError):
    """A number that no database column can hold."""


class OutOfRange:
    """Stands in a record for a number that no database column can hold."""


OUT_OF_RANGE = OutOfRange()
Number: TypeAlias = Decimal | OutOfRange


class TooDeepError(ValueError):
    """JSON of more than ``MAX_RECORD_DEPTH`` levels."""


def parse_json(text: bytes | str) -> Any:
    """Return the Python value; numbers with a fraction, an exponent or very many digits are ``Decimal``.

    Raises:
        NumberOutOfRangeError: when a number is one that no database column can hold.
        TooDeepError: when it is nested too deep.
        ValueError: when it is not JSON.
    """
    return _parse(text, decode_json, _exact)


def parse_json_of_any_numbers(text: bytes | str) -> Any:
    """Return what ``parse_json`` does, with ``OUT_OF_RANGE`` for numbers that no database column can hold.

    Raises:
        TooDeepError: when it is nested too deep.
        ValueError: when it is not JSON.
    """
    return _parse(text, _decode_any, _any_number)


def is_shallow(text: bytes, levels: int) -> bool:
    """Return whether JSON text is nested at most so many levels deep; it is not parsed."""
    return text.count(b"{") + text.count(b"[") <= levels or _depth(_brackets(_marks(text))) <= levels


def is_beginning_of_json(text: bytes) -> bool:
    """Return whether ``text`` lacks nothing but its end to be a JSON value; it may end inside a character."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return False
        text = text[: error.start] + b"?"  # any character does, for it can only be inside a string
    marks = _marks(text)
    brackets = _open_brackets(_brackets(marks))
    if len(brackets) > MAX_RECORD_DEPTH:
        return False
    closers = brackets[::-1].translate(_CLOSERS)
    ends = _STRING_ENDS if marks.count(b'"') % 2 else _VALUE_ENDS
    return any(_is_json(text + end + closers) for end in ends)


def call_with_room(function: Callable[..., Result], *arguments: Any) -> Result:
    """Return what ``function`` does, also where its callers have used up nearly all of the stack.

    Up to Python 3.11 a parser's levels count as calls of functions.
    """
    try:
        return function(*arguments)
    except RecursionError:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + 2 * MAX_RECORD_DEPTH)
        try:
            return function(*arguments)
        finally:
            sys.setrecursionlimit(limit)


def _parse(
    text: bytes | str, decode: Callable[[bytes | str], Any], parse_number: Callable[[str], Number]
) -> Any:
    _check_depth(text if isinstance(text, bytes) else text.encode())
    try:
        return call_with_room(decode, text)
    except msgspec.ValidationError:  # an integer of more digits than int takes; rare, so found by trying
        return _parse_long_integers(text if isinstance(text, str) else text.decode(), parse_number)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error


def _parse_long_integers(text: str, parse_number: Callable[[str], Number]) -> Any:
    """Return the same by a parser that takes any integer, but has to be kept from taking more than JSON."""

    def parse_integer(digits: str) -> int | Number:
        return int(digits) if len(digits) <= _DIGITS_OF_INT else parse_number(digits)

    value = json.loads(text, parse_float=parse_number, parse_int=parse_integer, parse_constant=_refuse)
    _ENCODER_OF_ANY.encode(value)  # raises a ValueError for half of a surrogate pair
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _exact(text: str) -> Decimal:
    if len(text) < _MOST_DIGITS_AFTER_POINT and "e" not in text and "E" not in text:
        return Decimal(text)
    number = _any_number(text)
    if isinstance(number, OutOfRange):
        raise NumberOutOfRangeError("number out of range")
    return number


def _any_number(text: str) -> Number:
    try:
        number = Decimal(text)
    except InvalidOperation:  # the exponent alone has more than 18 digits
        return OUT_OF_RANGE
    return number if _is_in_range(number) else OUT_OF_RANGE


def _is_in_range(number: Decimal) -> bool:
    """Return whether PostgreSQL can hold the number."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_MOST_DIGITS_AFTER_POINT:
        return False
    return number.adjusted() < _MOST_DIGITS_BEFORE_POINT or (
        number.is_zero() and exponent <= _MAX_EXPONENT_OF_ZERO
    )


def _refuse_number(value: Any) -> None:
    if value is OUT_OF_RANGE:
        raise NumberOutOfRangeError("number out of range")
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _is_json(text: bytes) -> bool:
    try:
        parse_json_of_any_numbers(text)
    except ValueError:
        return False
    return True


def _check_depth(text: bytes) -> None:
    if is_shallow(text, MAX_RECORD_DEPTH):
        return
    brackets = _brackets(_marks(text))
    if brackets.count(b"{") != brackets.count(b"}") or brackets.count(b"[") != brackets.count(b"]"):
        raise ValueError("brackets are not closed")  # so it is not JSON, whatever its depth
    raise TooDeepError(f"more than {MAX_RECORD_DEPTH} levels deep")


def _marks(text: bytes) -> bytes:
    """Return the quotes and brackets of JSON text, less the quotes that are escaped."""
    return text.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NO_MARKS)


def _brackets(marks: bytes) -> bytes:
    """Return the brackets outside of strings."""
    return b"".join(marks.replace(b'""', b"").split(b'"')[::2])


def _depth(brackets: bytes) -> int:
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _open_brackets(brackets: bytes) -> bytes:
    """Return the brackets that are opened and not closed."""
    still_open = bytearray()
    for bracket in brackets:
        if bracket in b"{[":
            still_open.append(bracket)
        elif still_open:
            still_open.pop()
    return bytes(still_open)


decode_json = msgspec.json.Decoder(float_hook=_exact).decode
"""``parse_json`` for most texts; it raises ``ValueError`` for some that ``parse_json`` reads, too."""

_decode_any = msgspec.json.Decoder(float_hook=_any_number).decode

dump_canonical = msgspec.json.Encoder(order="sorted", decimal_format="number", enc_hook=_refuse_number).encode
"""Return the shortest text with sorted keys: equal for values that differ in key order and blanks only.

Raises:
    NumberOutOfRangeError: when a number is ``OUT_OF_RANGE``.
"""

_ENCODER_OF_ANY = msgspec.json.Encoder(enc_hook=lambda _: None)
