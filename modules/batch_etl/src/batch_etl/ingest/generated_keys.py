"""Unique keys over columns that no line has a value for: when they refuse a row, the line is not at fault."""

from collections.abc import Collection, Mapping
from typing import TypeAlias

from batch_etl.ingest.columns import ID
from batch_etl.ingest.table import TargetTable
from platform_interfaces import DataError, QueryError

GeneratedKeys: TypeAlias = Mapping[str, tuple[str, ...]]
"""The columns of each such key, by the names of its indexes."""


async def find_generated_keys(table: TargetTable) -> GeneratedKeys:
    """Return the unique keys whose values are a default or the same for all rows of a write."""
    shape = await table.read_shape()
    indexes = shape.unique_indexes if shape else None
    return {
        name: tuple(sorted(index.columns))
        for index in indexes or ()
        if index.columns.isdisjoint(table.columns)
        for name in index.names
    }


def explain_generated_key(error: DataError, keys: GeneratedKeys, table: TargetTable) -> QueryError | None:
    """Return what to do when one of ``keys`` has refused a row, or None when it was something else."""
    columns = next((columns for name, columns in keys.items() if f'"{name}"' in str(error)), None)
    if columns is None:
        return None
    return QueryError(
        f"table {table.name!r} takes no new rows: {error}: the value of {', '.join(columns)} does not "
        f"come from the lines, and other rows have it already; {_advise(columns, table.quoted)}; "
        "then run again"
    )


def _advise(columns: Collection[str], table: str) -> str:
    if ID not in columns:
        return "change that key or the default"
    found = f"pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table})"  # noqa: S608 - quoted
    return f"move its sequence behind them: SELECT setval({found})"
