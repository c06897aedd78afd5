"""No fraction for an integer: asyncpg would cut it off without a word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from platform_interfaces import DataError

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.prepared_stmt import PreparedStatement

    from platform_postgres._connection import Connection

_INTEGERS = {f"int{size}{brackets}" for size in (2, 4, 8) for brackets in ("", "[]")}


async def prepare(
    connection: Connection, query: str, params: Sequence[Any]
) -> PreparedStatement[asyncpg.Record]:
    """The statement, to be given just these parameters.

    Raises:
        DataError: when one of them is for an integer, and is none.
    """
    statement = await connection.prepare(query)
    if may_be_cut(params):
        refuse_fractions(statement.get_parameters(), zip(params, strict=True))
    return statement


def may_be_cut(values: Iterable[Any]) -> bool:
    """Whether there is a value that some integer would have to be made of, or that may contain one."""
    return any(_is_cut(kind) or _is_nested(kind) for kind in set(map(type, values)))


def refuse_fractions(types: Iterable[asyncpg.Type], columns: Iterable[Iterable[Any]]) -> None:
    """Check the values of each column whose type is an integer, or an array of them.

    Raises:
        DataError: when a value is no integer.
    """
    for column_type, values in zip(types, columns, strict=False):  # the numbers are asyncpg's to compare
        if column_type.name in _INTEGERS:
            _refuse_fractions(list(values))


def _refuse_fractions(values: Sequence[Any]) -> None:
    kinds = set(map(type, values))
    for kind in filter(_is_cut, kinds):
        raise DataError(f"an integer is wanted, not a value of the type {kind.__name__!r}")
    if nested := set(filter(_is_nested, kinds)):
        _refuse_fractions(list(chain.from_iterable(value for value in values if type(value) in nested)))


def _is_cut(kind: type) -> bool:
    """Whether asyncpg makes an integer of such a value by ``int()``."""
    return hasattr(kind, "__int__") and not hasattr(kind, "__index__")


def _is_nested(kind: type) -> bool:
    return issubclass(kind, Iterable) and not issubclass(kind, str | bytes | dict)
