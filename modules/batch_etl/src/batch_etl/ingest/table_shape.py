"""What the database's catalog says of a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from platform_interfaces import DatabaseInterface, Row, quote_table, split_table


@dataclass(frozen=True)
class Column:
    """A column; of a domain, the type is the one it is made from."""

    type: str
    is_nullable: bool
    has_default: bool
    has_constant: bool = False
    """Whether that default is the same for all rows."""
    is_generated: bool = False
    may_select: bool = True
    may_insert: bool = True


@dataclass(frozen=True)
class UniqueIndex:
    """A unique index; ``flaw`` says why it cannot hold the key of a record, empty where it can."""

    columns: frozenset[str]
    flaw: str = ""
    names: frozenset[str] = frozenset()
    """Its own, and those of its parts in the partitions."""


@dataclass(frozen=True)
class TableShape:
    """A table as it is in the database, however it was named."""

    identity: str
    """Of the table that holds its rows' keys: that of a partition is its root's."""
    kind: str
    columns: Mapping[str, Column]
    unique_indexes: tuple[UniqueIndex, ...] | None = None
    """None where the catalog does not say."""
    problems: tuple[str, ...] = field(default=())
    """What makes rows of it uncountable: triggers, rules, policies, children."""
    lacks_partition: bool = False
    """Whether it is partitioned, and no partition takes rows of the date."""
    after_triggers: tuple[str, ...] = ()
    """Names of triggers that may delete or change rows once they are inserted."""
    closed_sequences: tuple[str, ...] = ()
    """Sequences of its defaults that this role may not use."""


async def read_shape(db: DatabaseInterface, table: str, event_date: dt.date) -> TableShape | None:
    """Return the shape of ``table``, found on the whole search path; None when there is no such table."""
    version = await db.fetch_one("SELECT version() AS version")
    if version and str(version["version"]).startswith("PostgreSQL "):
        return await _read_postgres(db, table, event_date)
    return await _read_standard(db, table)


# A trigger's type is a sum: 1 for each row, 2 before, 4 insert (src/include/catalog/pg_trigger.h).
_POSTGRES = """
    SELECT
        coalesce(pg_partition_root(c.oid), c.oid)::oid::bigint AS identity,
        c.relkind::text AS kind, c.relkind = 'p' OR c.relispartition AS is_partitioned,
        row_security_active(c.oid) AS is_secured,
        c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) AS has_children,
        (SELECT jsonb_object_agg(a.attname, jsonb_build_object(
            'type', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod)
                ELSE format_type(a.atttypid, a.atttypmod) END,
            'is_nullable', NOT (a.attnotnull OR t.typnotnull),
            'has_default', a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
            'has_constant', EXISTS (SELECT FROM pg_attrdef f WHERE f.adrelid = c.oid AND f.adnum = a.attnum
                AND pg_get_expr(f.adbin, f.adrelid) NOT LIKE '%(%'),
            'is_generated', a.attgenerated <> '',
            'may_select', has_column_privilege(c.oid, a.attnum, 'SELECT'),
            'may_insert', has_column_privilege(c.oid, a.attnum, 'INSERT')
        )) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
        (SELECT jsonb_agg(jsonb_build_object(
            'columns', (SELECT jsonb_agg(a.attname) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])),
            'flaw', CASE WHEN i.indpred IS NOT NULL THEN 'partial' WHEN NOT i.indimmediate THEN 'deferrable'
                WHEN NOT i.indisvalid THEN 'not valid' ELSE '' END,
            'names', (SELECT jsonb_agg(n.relname) FROM pg_class n WHERE n.oid = i.indexrelid
                OR n.oid IN (SELECT relid FROM pg_partition_tree(i.indexrelid)))
        )) FROM pg_index i
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indexprs IS NULL) AS indexes,
        (SELECT jsonb_object_agg(t.tgname, t.tgtype & 3 = 3) FROM pg_trigger t
        WHERE t.tgrelid IN (SELECT c.oid UNION ALL SELECT relid FROM pg_partition_tree(c.oid))
            AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 4 = 4) AS triggers,
        (SELECT jsonb_agg(r.rulename) FROM pg_rewrite r
        WHERE r.ev_class = c.oid AND r.ev_type IN ('2', '3') AND r.ev_enabled <> 'D') AS rules,
        (SELECT jsonb_agg(DISTINCT s.oid::regclass::text) FROM pg_attrdef f
        JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
        JOIN pg_class s ON d.refclassid = 'pg_class'::regclass AND s.oid = d.refobjid
        WHERE f.adrelid = c.oid AND CASE WHEN s.relkind = 'S'
            THEN NOT has_sequence_privilege(s.oid, 'USAGE, UPDATE') END) AS sequences
    FROM pg_class c WHERE c.oid = to_regclass($1)
"""
_KINDS = {
    "r": "table",
    "p": "table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "S": "sequence",
    "i": "index",
    "I": "index",
    "c": "type",
}


async def _read_postgres(db: DatabaseInterface, table: str, event_date: dt.date) -> TableShape | None:
    row = await db.fetch_one(_POSTGRES, [quote_table(table)])
    if row is None:
        return None
    return TableShape(
        identity=f"table {row['identity']}",
        kind=_KINDS.get(row["kind"], "relation"),
        columns={name: Column(**column) for name, column in (row["columns"] or {}).items()},
        unique_indexes=tuple(
            UniqueIndex(frozenset(index["columns"] or ()), index["flaw"], frozenset(index["names"]))
            for index in row["indexes"] or ()
        ),
        problems=_find_obstacles(row),
        lacks_partition=row["is_partitioned"] and not await _has_partition(db, table, event_date),
        after_triggers=_name_triggers(row, is_before=False),
        closed_sequences=tuple(row["sequences"] or ()),
    )


def _find_obstacles(row: Row) -> tuple[str, ...]:
    problems = []
    if triggers := _name_triggers(row, is_before=True):
        problems.append(
            f"the trigger {', '.join(triggers)} (BEFORE INSERT FOR EACH ROW) may change or drop rows: "
            "disable or drop it"
        )
    if rules := row["rules"]:
        problems.append(f"the rule {', '.join(rules)} rewrites what is inserted: drop it")
    if row["is_secured"]:
        problems.append(
            "row-level security hides rows from this role: use the table's owner or a role with BYPASSRLS"
        )
    if row["has_children"]:
        problems.append("tables inherit from it, which no unique key of its own reaches: use partitions")
    return tuple(problems)


def _name_triggers(row: Row, *, is_before: bool) -> tuple[str, ...]:
    """Return the names of those that run before each row is stored, or of all others."""
    return tuple(name for name, is_early in (row["triggers"] or {}).items() if is_early == is_before)


async def _has_partition(db: DatabaseInterface, table: str, event_date: dt.date) -> bool:
    """Return whether rows of the date have a partition; the planner knows, however deep and of whatever kind.

    It plans a scan of the partitions that can have such rows, and where there is none, no scan.
    """
    query = f"SELECT FROM {quote_table(table)} WHERE event_date = DATE '{event_date}'"
    async with db.transaction():
        await db.execute("SET LOCAL enable_partition_pruning = on; SET LOCAL constraint_exclusion = on")
        row = await db.fetch_one(f"EXPLAIN (FORMAT JSON) {query}")
    [found] = (row or {}).values()
    plan: dict[str, Any] = found[0]["Plan"]
    return plan.get("One-Time Filter") != "false"


async def _read_standard(db: DatabaseInterface, table: str) -> TableShape | None:
    """Return what information_schema says, which other databases than PostgreSQL have, too."""
    schema, name = split_table(table)
    rows = await db.fetch_all(
        """
        SELECT table_schema, table_name, table_type, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE lower(table_schema) = lower(coalesce($1, current_schema())) AND lower(table_name) = lower($2)
        """,
        [schema, name],
    )
    if not rows:
        return None
    return TableShape(
        identity=f"{rows[0]['table_schema']}.{rows[0]['table_name']}",
        kind="view" if rows[0]["table_type"] == "VIEW" else "table",
        columns={
            row["column_name"]: Column(
                type=row["data_type"].lower(),
                is_nullable=row["is_nullable"] == "YES",
                has_default=row["column_default"] is not None,
            )
            for row in rows
        },
    )
