"""The result of one statement, for whoever does not know its columns."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class QueryResult:
    """The result of one statement: rows, or the number of rows that it changed.

    Attributes:
        columns: the names, of which several may be the same; empty where the statement returns no rows.
        rows: the values of each row in the order of ``columns``, read once and in constant memory.
        changed: the number of rows that were changed, where the statement returns no rows.
    """

    columns: tuple[str, ...]
    rows: AsyncGenerator[tuple[Any, ...], None]
    changed: int = 0
