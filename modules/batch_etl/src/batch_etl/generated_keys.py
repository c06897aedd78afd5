"""Unique keys over columns that no line has a value for: when they refuse a row, the line is not at fault."""

from __future__ import annotations

from collections.abc import Mapping

from batch_etl.job import Job
from batch_etl.table_shape import read_shape
from platform_interfaces import DatabaseInterface, DataError, QueryError, quote_table

_FROM_LINES = {"event_type", "payload", "source", "dedup_key"}

GeneratedKeys = Mapping[str, tuple[str, ...]]
"""The columns of each such key, by the names of its indexes."""


async def find_generated_keys(db: DatabaseInterface, job: Job) -> GeneratedKeys:
    """Return the unique keys whose values are a default or the same for all rows of a write."""
    shape = await read_shape(db, job.target_table, job.event_date)
    indexes = shape.unique_indexes if shape else None
    return {
        name: tuple(sorted(index.columns))
        for index in indexes or ()
        if not index.columns & _FROM_LINES
        for name in index.names
    }


def explain_generated_key(error: DataError, keys: GeneratedKeys, job: Job) -> QueryError | None:
    """Return what to do when one of ``keys`` has refused a row, or None when it was something else."""
    columns = next((columns for name, columns in keys.items() if f'"{name}"' in str(error)), None)
    if columns is None:
        return None
    return QueryError(
        f"table {job.target_table!r} takes no new rows: {error}: the value of {', '.join(columns)} does not "
        f"come from the lines, and other rows have it already; {_advise(columns, job)}; then run again"
    )


def _advise(columns: tuple[str, ...], job: Job) -> str:
    if "id" not in columns:
        return "change that key or the default"
    table = quote_table(job.target_table)
    found = f"pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table})"  # noqa: S608 - quoted
    return f"move its sequence behind them: SELECT setval({found})"
