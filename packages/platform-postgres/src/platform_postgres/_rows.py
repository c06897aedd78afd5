"""Records and command tags of the driver, as rows and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg

from platform_interfaces import QueryError, Row

if TYPE_CHECKING:
    from asyncpg.prepared_stmt import PreparedStatement

_PAGE_ROWS = 1000


def refuse_equal_names(statement: PreparedStatement[asyncpg.Record]) -> None:
    """Raise QueryError when two columns of the result have one name: a row would hold one of them only."""
    names = [column.name for column in statement.get_attributes()]
    if len(set(names)) < len(names):
        name = next(name for name in names if names.count(name) > 1)
        raise QueryError(f"two columns of the result are named {name!r}: name one differently with AS")


def make_rows(records: list[Any]) -> list[Row]:
    """Turn the records into rows, page by page in the same list: a second list would double the memory."""
    for start in range(0, len(records), _PAGE_ROWS):
        page = slice(start, start + _PAGE_ROWS)
        records[page] = map(dict, map(asyncpg.Record.items, records[page]))  # dict(record) takes longer
    return records


def count_affected(status: str) -> int:
    """Return the number of rows in a command tag such as ``INSERT 0 5`` or ``CREATE TABLE``."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0
