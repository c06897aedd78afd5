"""What keeps a load from filling a table, in words."""

import re
from collections.abc import Collection, Mapping, Sequence

from batch_etl.ingest.columns import ID, ColumnType
from batch_etl.ingest.table_shape import Column, TableShape


def find_shape_problems(shape: TableShape, required: Mapping[str, ColumnType]) -> list[str]:
    """Return why the columns, triggers, rules and policies of a table do not let a load fill ``required``."""
    problems = [
        problem
        for name, wanted in required.items()
        if (problem := _find_column_problem(name, wanted, shape.columns.get(name)))
    ]
    for name, column in shape.columns.items():
        if name not in required and not (column.is_nullable or column.has_default):
            problems.append(f'column "{name}" is NOT NULL and the load does not fill it: give it a default')
    return [*problems, *shape.problems]


def _find_column_problem(name: str, wanted: ColumnType, column: Column | None) -> str:
    if column is None:
        return f'column "{name}" is missing: it must be {wanted.description}'
    if column.type not in wanted.names and re.sub(r"[(][0-9, ]+[)]$", "", column.type) not in wanted.names:
        return f'column "{name}" is {column.type}: it must be {wanted.description}'
    if column.is_generated:
        return f'column "{name}" is generated: it must be a plain column of type {wanted.description}'
    if name == ID and (column.has_constant or not column.has_default):
        found = "the same default for all rows" if column.has_default else "no default"
        return f'column "id" has {found}: it must be BIGSERIAL or an identity'
    if name == ID and column.is_nullable:
        return 'column "id" may be NULL: it must be NOT NULL'
    return ""


def describe_kind(shape: TableShape) -> str:
    """Return what is wrong with a relation that is not a table."""
    return f"it is a {shape.kind}, and the load cannot insert into {shape.kind}s: name the table itself"


def find_missing_grants(shape: TableShape, table: str, required: Collection[str]) -> list[str]:
    """Return which rights a load lacks for the table, its ``required`` columns and its sequences."""
    columns = [(name, shape.columns[name]) for name in required if name in shape.columns]
    missing = [
        right
        for right, is_missing in (
            ("SELECT", any(not column.may_select for _, column in columns)),
            ("INSERT", any(not column.may_insert for name, column in columns if name != ID)),
        )
        if is_missing
    ]
    problems = [
        f"permission denied for sequence {name}: GRANT USAGE ON SEQUENCE {name} to this role"
        for name in shape.closed_sequences
    ]
    if missing:
        problems.append(
            f"permission denied for the table: GRANT {', '.join(missing)} ON {table} to this role"
        )
    return problems


def describe_missing_key(shape: TableShape, keys: Sequence[tuple[str, ...]]) -> str:
    """Return that the table has none of ``keys``, and what is wrong with an index that nearly is one."""
    flawed = [
        f"the one on ({', '.join(key)}) is {index.flaw}"
        for index in shape.unique_indexes or ()
        for key in keys
        if index.flaw and index.columns == frozenset(key)
    ]
    found = f" ({'; '.join(flawed)})" if flawed else ""
    wanted = ", or on ".join(f"({', '.join(key)})" for key in keys)
    return f"it has no unique key on {wanted}{found}"
