"""Values on their way into DuckDB and out of it."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from platform_interfaces import DataError, QueryError, Row, dump_json
from platform_memory._jsonb import normalize, parse
from platform_memory._types import check_value

_DECIMAL_DIGITS = 38
_INTEGER_LIMIT = 10**38
_SENT_AS_IS = bool | int | float | Decimal | bytes | bytearray | memoryview | date | time | timedelta | UUID
_READERS: dict[str, Callable[[Any], Any]] = {
    "JSON": lambda text: _read_json(text),
    "JSON[]": lambda texts: [None if text is None else _read_json(text) for text in texts],
    "DATE": lambda value: _require(value, date),
    "TIME": lambda value: _require(value, time),
    "TIMESTAMP": lambda value: _require(value, datetime),
    "TIMESTAMP WITH TIME ZONE": lambda value: _read_timestamptz(value),
}
_CAST = re.compile(r"CAST\((\w+) AS .+\)", re.DOTALL)
_CALL = re.compile(r'"?(\w+?)(?:_star)?"?\(.*\)', re.DOTALL)


def write_parameter(value: Any, *, is_json: bool = False, is_array: bool = False) -> Any:
    """Return ``value`` as DuckDB takes it for a placeholder.

    Args:
        value: whatever a caller passes.
        is_json: the statement casts it to JSON, so that text and numbers are JSON values, too.
        is_array: the statement wants an array, so that a list is not JSON.

    Raises:
        DataError: for what cannot be stored.
    """
    if value is None:
        return None
    if is_array and isinstance(value, list | tuple):
        return [write_parameter(item, is_json=is_json, is_array=not is_json) for item in value]
    if is_json or isinstance(value, dict | list | tuple):
        return _write_json(value)
    if isinstance(value, str):
        if "\0" in value:
            raise DataError("text with a NUL character cannot be stored")
        return value
    if isinstance(value, int | Decimal) and not _is_native(value):
        return str(value)
    if isinstance(value, _SENT_AS_IS):
        return value
    raise DataError(f"a {type(value).__name__!r} cannot be stored")


def write_column(name: str, kind: str, values: Sequence[Any]) -> list[Any]:
    """Return ``values`` as ``write_parameter`` does, for a column of type ``kind``.

    Raises:
        DataError: for what cannot be stored there.
    """
    for value in values:
        try:
            check_value(kind, value)
        except DataError as error:
            raise DataError(f"column {name!r}: {error}") from None
    if kind == "JSON":
        return [None if value is None else _write_json(value) for value in values]
    if kind == "JSON[]":
        return [write_parameter(value, is_json=True, is_array=True) for value in values]
    if kind == "VARCHAR" or kind.startswith("DECIMAL"):  # DuckDB makes floating point of ints with fractions
        return [None if value is None else str(value) for value in values]
    return list(values)


def read_rows(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Return ``rows`` as PostgreSQL's driver does; ``columns`` are pairs of name and type."""
    names = read_names(columns)
    if len(set(names)) < len(names):
        name = next(name for name in names if names.count(name) > 1)
        raise QueryError(f"two columns of the result are named {name!r}: name one differently with AS")
    records = [dict(zip(names, row, strict=True)) for row in rows]
    for name, (_, kind) in zip(names, columns, strict=True):
        if read := _READERS.get(kind):
            for record in records:
                if record[name] is not None:
                    record[name] = read(record[name])
    return records


def read_names(columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return the names that PostgreSQL gives the columns."""
    return tuple(_name(name) for name, _ in columns)


def read_values(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]
) -> Iterator[tuple[Any, ...]]:
    """Yield the values of each row as PostgreSQL's driver returns them."""
    readers = [_READERS.get(kind) for _, kind in columns]
    for row in rows:
        yield tuple(
            value if value is None or read is None else read(value)
            for read, value in zip(readers, row, strict=True)
        )


def _read_json(text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise DataError(f"a JSON from the database cannot be read: {error}") from None


def _read_timestamptz(value: Any) -> datetime:
    # DuckDB gives infinity as the first or the last timestamp without a zone, and a far year as text.
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _unreadable("TIMESTAMPTZ")
    return value.astimezone(UTC)


def _require(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):  # text, for what Python does not have
        raise _unreadable(kind.__name__)
    return value


def _unreadable(kind: str) -> DataError:
    return DataError(f"a {kind} from the database is one that Python cannot hold: read it as text")


def _name(name: str) -> str:
    """Return the name PostgreSQL gives a column: of a call its function's, of a cast its column's."""
    match = _CAST.fullmatch(name) or _CALL.fullmatch(name)
    return match[1].lower() if match else name


def _is_native(number: int | Decimal) -> bool:
    """Return whether DuckDB has the number; others go in as text, for it would make them floating point."""
    if isinstance(number, int):
        return abs(number) < _INTEGER_LIMIT
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return False
    return max(len(digits), -exponent) + max(exponent, 0) <= _DECIMAL_DIGITS


def _write_json(value: Any) -> str:
    try:
        return normalize(dump_json(value))
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(f"a value cannot be stored as JSON: {type(error).__name__}") from error
