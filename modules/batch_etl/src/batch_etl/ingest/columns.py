"""Types of columns that ingestion can fill."""

from typing import NamedTuple


class ColumnType(NamedTuple):
    """What a column should be, for a message, and the names of the types that are that."""

    description: str
    names: tuple[str, ...]


TEXT = ColumnType("text or varchar(255)", ("text", "character varying", "varchar", "citext"))
INTEGER = ColumnType("bigint or integer", ("bigint", "integer", "smallint"))
NUMERIC = ColumnType("numeric", ("numeric", "decimal"))
BOOLEAN = ColumnType("boolean", ("boolean",))
DATE = ColumnType("date", ("date",))
TIMESTAMP = ColumnType(
    "timestamptz with microseconds", ("timestamp with time zone", "timestamp(6) with time zone")
)
JSON = ColumnType("jsonb", ("jsonb", "json"))
BYTES = ColumnType("bytea", ("bytea", "blob"))

ID, EVENT_DATE, CREATED_AT = "id", "event_date", "created_at"
BOOKKEEPING = {ID: INTEGER, EVENT_DATE: DATE, CREATED_AT: TIMESTAMP}
"""Columns that every table has: the number of a row, the date it was loaded for, and when it was written."""
