"""Many rows in one statement."""

from collections.abc import Callable, Sequence
from typing import Any

from platform_interfaces import Columns, quote_identifiers, quote_table
from platform_memory._session import Result
from platform_memory._values import write_column

Run = Callable[[str, Sequence[Any]], Result]


def insert(run: Run, table: str, rows: Columns, skip_conflicts_on: Sequence[str]) -> int:
    """Insert by one statement, which ``run`` runs in the end, and return the number of rows stored."""
    target, names = quote_table(table), quote_identifiers(rows.names)
    types = run(f"SELECT {names} FROM {target} LIMIT 0", ()).types  # noqa: S608 - all names are quoted
    values = [
        write_column(name, kind, rows.column(name)) for name, kind in zip(rows.names, types, strict=True)
    ]
    lists = ", ".join(f"unnest(${number})" for number in range(1, len(rows.names) + 1))
    conflict = (
        f" ON CONFLICT ({quote_identifiers(skip_conflicts_on)}) DO NOTHING" if skip_conflicts_on else ""
    )
    query = f"INSERT INTO {target} ({names}) SELECT {lists}{conflict}"
    return run(query, values).count
