"""JSON text with one form for one value, the way PostgreSQL's jsonb has it."""

import json
import re
import sys
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from platform_interfaces import load_json

# The most digits of NUMERIC, and so of jsonb, before the decimal point and after it.
MAX_DIGITS = 131_072
MAX_DECIMALS = 16_383
# DuckDB would round a number such as 0.10 or 0.12345678901234567890 on its way through -> and ->>. It is
# stored as a string, marked by the one character that no other string holds.
_MARK = "\0"
_MARKED = re.compile(r'"\\u0000([^"]*)"')
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def normalize(text: str) -> str:
    """Return ``text`` without spaces and exponents, keys sorted, of equal keys the last.

    Numbers keep their digits, as in jsonb; but 1 and 1.0, which are equal there, are two texts.

    Raises:
        ValueError: when it is not JSON, or not JSON that jsonb accepts.
        RecursionError: when it is nested too deeply.
    """
    if "\\u0000" in text and _NUL.search(text):
        raise ValueError("JSON with a NUL character cannot be stored")
    return _MARKED.sub(_unmark_if_exact, _encode(_decode(text)))


def parse(text: str) -> Any:
    """Return the value of JSON from the database, its numbers as they were written."""
    return load_json(_MARKED.sub(r"\1", text) if "\\u0000" in text else text)


def _mark(text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:  # its exponent is too large for Decimal, too
        number = Decimal("NaN")
    exponent = number.as_tuple().exponent
    if number == 0 and isinstance(exponent, int) and 0 < exponent < 2**30:  # 0e999999 is 0, as in PostgreSQL
        number, exponent = Decimal(0), 0
    if not number:
        number = number.copy_abs()  # it has no -0.0
    if not isinstance(exponent, int) or number.adjusted() >= MAX_DIGITS or exponent < -MAX_DECIMALS:
        raise ValueError("a JSON number is out of the range of NUMERIC")
    return f"{_MARK}{number:f}"


def _unmark_if_exact(match: re.Match[str]) -> str:
    digits = match[1]
    return digits if "." not in digits or repr(float(digits)) == digits else match[0]


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _read_integer(text: str) -> int | str:
    return int(text) if len(text) < sys.get_int_max_str_digits() else _mark(text)


_decode = json.JSONDecoder(parse_float=_mark, parse_int=_read_integer, parse_constant=_refuse).decode
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
