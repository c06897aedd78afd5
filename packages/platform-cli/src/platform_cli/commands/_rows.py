"""The rows of a query as a table, as JSON or as CSV: read and printed a thousand at a time."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

from platform_cli.commands._base import say
from platform_cli.commands._table import print_table
from platform_cli.row_values import to_json, to_text
from platform_interfaces import QueryError

PAGE_ROWS = 1000

_SPECIAL = re.compile('[",\r\n]')
_QUOTED = ("", "\\.")  # not NULL; and not the end of the data, for PostgreSQL's COPY


class Pages:
    """The first ``limit`` rows of a result, or all for 0, page by page; they are read once.

    Attributes:
        count: how many rows were read.
        has_more: whether there are rows beyond the limit, known at the end.
    """

    def __init__(self, rows: AsyncIterator[Sequence[Any]], limit: int) -> None:
        self._rows, self._limit = rows, limit
        self.count, self.has_more = 0, False

    async def __aiter__(self) -> AsyncIterator[list[Sequence[Any]]]:
        page: list[Sequence[Any]] = []
        async for row in self._rows:
            if self._limit and self.count == self._limit:
                self.has_more = True
                break
            page.append(row)
            self.count += 1
            if len(page) == PAGE_ROWS:
                yield page
                page = []
        if page:
            yield page


Printer = Callable[[Sequence[str], Pages], Awaitable[None]]


async def print_rows(columns: Sequence[str], pages: Pages) -> None:
    """Print a table; each thousand rows are aligned for themselves."""
    has_head = True
    async for page in pages:
        print_table(columns, [[*map(_cell, row)] for row in page], missing="NULL", has_head=has_head)
        has_head = False
    if has_head:
        print_table(columns, [])


async def print_json(columns: Sequence[str], pages: Pages) -> None:
    """Print an array with an object for each row.

    Raises:
        QueryError: when two columns have the same name.
    """
    if len(set(columns)) < len(columns):
        name = next(name for name in columns if columns.count(name) > 1)
        raise QueryError(f"two columns of the result are named {name!r}: name one differently with AS")
    names = [to_json(name) for name in columns]
    before = "["
    async for page in pages:
        objects = (
            ", ".join(f"{name}: {to_json(value)}" for name, value in zip(names, row, strict=True))
            for row in page
        )
        _write(before + ",\n ".join(f"{{{each}}}" for each in objects), has_end=False)
        before = ",\n "
    _write("]" if before != "[" else "[]")


async def print_csv(columns: Sequence[str], pages: Pages) -> None:
    """Print a line with the names of the columns, and one for each row; only NULL is an empty field."""
    _write(",".join(map(_field, columns)))
    async for page in pages:
        _write("\n".join(",".join(map(_field, row)) for row in page))


def _cell(value: Any) -> object:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return value if value is None or is_number else to_text(value)


def _field(value: Any) -> str:
    # Before Python 3.12, the csv module writes an empty text and NULL alike.
    if value is None:
        return ""
    text = to_text(value)
    if text in _QUOTED or _SPECIAL.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _write(text: str, *, has_end: bool = True) -> None:
    # UTF-8 whatever the terminal has: it is data. A lone surrogate is written as JSON escapes it.
    say(text.encode("utf-8", "backslashreplace"), has_end=has_end)
