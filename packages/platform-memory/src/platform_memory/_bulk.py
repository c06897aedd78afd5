"""Many rows in one statement."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from platform_interfaces import column_values, quote_identifier, quote_table
from platform_memory._session import Result
from platform_memory._values import write_column

Rows = Sequence[Mapping[str, Any]]
Run = Callable[[str, Sequence[Any]], Result]


def insert(run: Run, table: str, columns: Sequence[str], rows: Rows, skip_conflicts_on: Sequence[str]) -> int:
    """Insert the rows by one statement, which ``run`` runs, and return their number."""
    target, names = quote_table(table), _quote_all(columns)
    types = run(f"SELECT {names} FROM {target} LIMIT 0", ()).types  # noqa: S608 - all names are quoted
    values = [
        write_column(column, kind, column_values(rows, column))
        for column, kind in zip(columns, types, strict=True)
    ]
    lists = ", ".join(f"unnest(${number})" for number in range(1, len(columns) + 1))
    conflict = f" ON CONFLICT ({_quote_all(skip_conflicts_on)}) DO NOTHING" if skip_conflicts_on else ""
    query = f"INSERT INTO {target} ({names}) SELECT {lists}{conflict}"
    return run(query, values).count


def _quote_all(names: Sequence[str]) -> str:
    return ", ".join(quote_identifier(name) for name in names)
