"""Refuse numbers that asyncpg would change silently, also inside arrays, ranges and composites.

It cuts the fraction off for an integer, makes infinity or zero of a ``Decimal`` that no float can hold, and
zero of a float that is too small for REAL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from math import isfinite, isinf
from struct import Struct
from typing import TYPE_CHECKING, Any

import asyncpg

from platform_interfaces import DataError, QueryError

if TYPE_CHECKING:
    from asyncpg.prepared_stmt import PreparedStatement

    from platform_postgres._connection import Connection

Check = Callable[[Sequence[Any]], None]
"""Raise DataError when one of the values, of which none is None, would be changed."""

FIRST_OWN_OID = 16_384  # of types that are not built in
_DESCRIBE = """
    SELECT t.typtype::text AS type, t.typname::text AS name, t.typbasetype::bigint AS base,
        CASE WHEN t.typcategory = 'A' THEN t.typelem::bigint ELSE 0 END AS element,
        r.rngsubtype::bigint AS bound,
        (SELECT string_agg(a.attname || '=' || a.atttypid, '/' ORDER BY a.attnum) FROM pg_attribute AS a
            WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS attributes
    FROM pg_type AS t LEFT JOIN pg_range AS r ON t.oid IN (r.rngtypid, r.rngmultitypid)
    WHERE t.oid = $1
"""
_REAL = Struct("!f")


async def prepare(
    connection: Connection, query: str, params: Sequence[Any]
) -> PreparedStatement[asyncpg.Record]:
    """Return the statement prepared; it may be run with these parameters only.

    Raises:
        DataError: when one of them would be changed.
        QueryError: when they are not a list.
    """
    if isinstance(params, str | bytes) or not isinstance(params, Sequence):
        raise QueryError(
            f"parameters must be a list, not {type(params).__name__}: write [value] for a single one"
        )
    statement = await connection.prepare(query)
    if may_be_changed(params):
        await refuse_changes(connection, statement.get_parameters(), zip(params, strict=True))
    return statement


def may_be_changed(values: Iterable[Any]) -> bool:
    """Return whether a value is a number that some type cannot hold, or may contain one."""
    return any(_has_fractions(kind) or _is_nested(kind) for kind in set(map(type, values)))


async def refuse_changes(
    connection: Connection, types: Iterable[asyncpg.Type], columns: Iterable[Iterable[Any]]
) -> None:
    """Check the values of each column.

    Raises:
        DataError: when its type would change one of them.
    """
    for column_type, column in zip(types, columns, strict=False):  # asyncpg compares the numbers of both
        values = [value for value in column if value is not None]
        if may_be_changed(values) and (check := await _find_check(connection, column_type)):
            check(values)


async def _find_check(connection: Connection, wanted: asyncpg.Type) -> Check | None:
    if wanted.oid >= FIRST_OWN_OID or wanted.kind not in ("scalar", "array"):
        return await _make_check(connection, wanted.oid)
    name, brackets, _ = wanted.name.partition("[")
    check = _CHECKS.get(name)
    return _make_array_check(check) if brackets else check


async def _make_check(connection: Connection, oid: int) -> Check | None:
    """Return the check for a domain, array, range or composite type, which the server describes."""
    row = await connection.fetchrow(_DESCRIBE, oid)
    if row is None:
        return None
    if row["type"] == "d":
        return await _make_check(connection, row["base"])
    if row["element"]:
        return _make_array_check(await _make_check(connection, row["element"]))
    if row["bound"]:
        of_ranges = _make_range_check(await _make_check(connection, row["bound"]))
        return _make_array_check(of_ranges) if row["type"] == "m" else of_ranges
    if row["type"] == "c":
        pairs = [pair.rpartition("=") for pair in (row["attributes"] or "").split("/") if pair]
        checks = [(name, await _make_check(connection, int(number))) for name, _, number in pairs]
        return _make_composite_check(checks)
    return _CHECKS.get(row["name"]) if oid < FIRST_OWN_OID else None


def _make_array_check(check: Check | None) -> Check:
    def check_arrays(arrays: Sequence[Any]) -> None:
        items = list(_iterate_elements(arrays))
        while nested := [item for item in items if _is_inner_array(item)]:
            if not all(nested):
                raise DataError("an array of empty arrays cannot be stored: the server would store '{}'")
            items = [item for item in items if not _is_inner_array(item)] + list(_iterate_elements(nested))
        if check and items:
            check(items)

    return check_arrays


def _iterate_elements(arrays: Iterable[Any]) -> Iterator[Any]:
    readable = (array for array in arrays if isinstance(array, Iterable))
    return (item for item in chain.from_iterable(readable) if item is not None)


def _is_inner_array(value: Any) -> bool:
    # A tuple stands for a composite value, and so may a mapping.
    return _is_nested(type(value)) and not isinstance(value, tuple | Mapping | asyncpg.Range)


def _make_range_check(check: Check | None) -> Check | None:
    if check is None:
        return None

    def check_ranges(ranges: Sequence[Any]) -> None:
        pairs = [
            (value.lower, value.upper) if isinstance(value, asyncpg.Range) else value for value in ranges
        ]
        check(list(_iterate_elements(pairs)))

    return check_ranges


def _make_composite_check(checks: Sequence[tuple[str, Check | None]]) -> Check:
    def check_composites(values: Sequence[Any]) -> None:
        for index, (name, check) in enumerate(checks):
            found = [_get_attribute(value, index, name) for value in values]
            if check:
                check([value for value in found if value is not None])

    return check_composites


def _get_attribute(value: Any, index: int, name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(name)
    return value[index] if isinstance(value, Sequence) and index < len(value) else None


def _refuse_fractions(values: Sequence[Any]) -> None:
    for kind in filter(_has_fractions, set(map(type, values))):
        raise DataError(f"an integer is expected, not a value of the type {kind.__name__!r}")


def _check_double(values: Sequence[Any]) -> None:
    if set(map(type, values)) <= {float, int}:
        return
    for value in values:
        if isinstance(value, Decimal) and value.is_finite():
            _refuse_lost("DOUBLE PRECISION", is_zero=not value, stored=float(value))


def _check_real(values: Sequence[Any]) -> None:
    for value in values:
        if not isinstance(value, float | int | Decimal):
            continue  # the driver's to refuse
        try:
            [stored] = _REAL.unpack(_REAL.pack(float(value)))
        except OverflowError:
            stored = float("inf")
        if isinstance(value, int) or (value.is_finite() if isinstance(value, Decimal) else isfinite(value)):
            _refuse_lost("REAL", is_zero=not value, stored=stored)


def _refuse_lost(kind: str, *, is_zero: bool, stored: float) -> None:
    if isinf(stored) or (not stored and not is_zero):
        raise DataError(f"a number is too {'large' if stored else 'small'} for {kind}")


_CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid", "xid", "xid8", "cid"), _refuse_fractions),
    "float4": _check_real,
    "float8": _check_double,
}


def _has_fractions(kind: type) -> bool:
    """Return whether asyncpg makes an integer of such a value by ``int()``."""
    return hasattr(kind, "__int__") and not hasattr(kind, "__index__")


def _is_nested(kind: type) -> bool:
    return kind is asyncpg.Range or (
        issubclass(kind, Iterable) and not issubclass(kind, str | bytes | bytearray | memoryview)
    )
