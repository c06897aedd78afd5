"""Whether a load can make the partition of a date itself, and what that partition must have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from batch_etl.ingest.table_shape import TableShape
from platform_interfaces import DatabaseInterface, QueryError, Row, quote_identifier

MAX_NAME_BYTES = 63


@dataclass(frozen=True)
class PartitionIndex:
    """An index of the partitioned table, as its part in the partition is made."""

    name: str
    definition: str
    """Of a constraint all that follows its name, else what follows the name of the table."""
    is_constraint: bool
    is_unique: bool
    is_of_key: bool


@dataclass(frozen=True)
class PartitionPlan:
    """How the partition of a date is made; with ``obstacles`` the load does not make it."""

    schema: str
    parent: str
    event_date: dt.date
    owner: str
    """The role that owns the partitioned table; empty where that is the role of the load."""
    indexes: Sequence[PartitionIndex]
    """That of the key comes first."""
    obstacles: Sequence[str]

    @property
    def name(self) -> str:
        """Return the name of the partition."""
        return name_for_date(self.parent, self.event_date)

    @property
    def names(self) -> list[str]:
        """Return the names that the partition and its indexes will have."""
        return [self.name, *(index.name for index in self.indexes)]

    def quote(self, name: str) -> str:
        """Return a table of the schema, quoted."""
        return f"{quote_identifier(self.schema)}.{quote_identifier(name)}"


_QUERY = r"""
    SELECT
        n.nspname::text AS schema, c.relname::text AS parent,
        CASE WHEN c.relowner <> current_user::regrole THEN quote_ident(pg_get_userbyid(c.relowner))
            ELSE '' END AS owner,
        c.relkind <> 'p' OR c.relispartition OR pg_get_partkeydef(c.oid) <> 'RANGE (event_date)' AS is_other,
        EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) AND NOT EXISTS (
            SELECT FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhrelid
            CROSS JOIN regexp_match(pg_get_expr(p.relpartbound, p.oid),
                '^FOR VALUES FROM \(''(\d{4}-\d\d-\d\d)''\) TO \(''(\d{4}-\d\d-\d\d)''\)$') AS bound (days)
            WHERE h.inhparent = c.oid AND bound.days[1]::date + 1 = bound.days[2]::date) AS is_coarse,
        NOT (pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE')
            AND has_schema_privilege(c.relowner, n.oid, 'CREATE')) AS is_foreign,
        c.relrowsecurity AS is_secured,
        c.reltablespace <> 0 OR c.relam <> 0 OR c.reloptions IS NOT NULL AS is_stored_apart,
        EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND c.oid IN (k.conrelid, k.confrelid))
            AS is_linked,
        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attidentity <> '') AS has_identity,
        EXISTS (SELECT FROM pg_publication p WHERE p.puballtables
            OR NOT EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid <> c.oid))
            AS is_published,
        EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid
            AND (i.indisexclusion OR i.indisunique AND i.indexprs IS NOT NULL)) AS has_other_unique
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass($1)
"""
_INDEXES = r"""
    SELECT
        i.relname::text AS name, k.oid IS NOT NULL AS is_constraint, x.indisunique AS is_unique,
        coalesce(pg_get_constraintdef(k.oid),
            regexp_replace(split_part(pg_get_indexdef(i.oid), 'INDEX ' || quote_ident(i.relname), 2),
                '^ ON ONLY \S+ ', '')) AS definition,
        (SELECT jsonb_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = x.indrelid
            AND a.attnum = ANY (x.indkey[0:x.indnkeyatts - 1])) AS columns
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.conrelid = x.indrelid AND k.contype IN ('p', 'u')
    WHERE x.indrelid = to_regclass($1) ORDER BY i.oid
"""
_OBSTACLES = {
    "is_other": "it is not partitioned by RANGE (event_date) alone",
    "is_coarse": "none of its partitions is of one day",
    "is_foreign": "this role does not own the table, or may not create tables in its schema",
    "is_secured": "it has row-level security",
    "is_stored_apart": "it has a tablespace, an access method or storage parameters",
    "is_linked": "it has foreign keys",
    "has_identity": "a column is an identity, instead of BIGSERIAL",
    "is_published": "it may be in a publication",
    "has_other_unique": "it has an exclusion constraint, or a unique index over an expression",
}


async def read_partition_plan(
    db: DatabaseInterface,
    table: str,
    event_date: dt.date,
    shape: TableShape,
    columns: Sequence[str],
    key: str,
) -> PartitionPlan:
    """Return how the partition of a date is made, which a partitioned table has not.

    Args:
        db: a PostgreSQL, for no other database has such a table.
        table: the partitioned table, quoted.
        event_date: the date.
        shape: that of the table.
        columns: those that the load fills from its lines.
        key: the one of them that is unique in a date.

    Raises:
        QueryError: when the table is gone.
    """
    async with db.transaction():
        await db.execute("SET LOCAL datestyle = 'ISO'")
        found = await db.fetch_one(_QUERY, [table])
        rows = await db.fetch_all(_INDEXES, [table])
    if found is None:
        raise QueryError(f"table {table} was dropped meanwhile")
    obstacles = [reason for name, reason in _OBSTACLES.items() if found[name]]
    if shape.after_triggers:
        obstacles.append(f"the trigger {', '.join(shape.after_triggers)} would not see its rows")
    indexes = [_plan_index(row, event_date, key) for row in rows]
    obstacles += _find_unknown_uniqueness(rows, columns, key)
    return PartitionPlan(
        schema=found["schema"],
        parent=found["parent"],
        event_date=event_date,
        owner=found["owner"],
        indexes=sorted(indexes, key=lambda index: not index.is_of_key),
        obstacles=[*obstacles, *_find_unusable_schema(found["schema"])],
    )


def name_for_date(name: str, event_date: dt.date, suffix: str = "") -> str:
    """Return the name that a partition, or an index of it, has after that of its parent: with the date.

    One that would be too long is truncated, and has a digest of the whole, so that no two are the same.
    """
    end = f"_{event_date.isoformat().replace('-', '')}{suffix}"
    if len(f"{name}{end}".encode()) > MAX_NAME_BYTES:
        digest = f"_{sha256(name.encode()).hexdigest()[:8]}"
        room = MAX_NAME_BYTES - len(digest) - len(end)
        name = name.encode()[:room].decode(errors="ignore") + digest
    return f"{name}{end}"


def _plan_index(row: Row, event_date: dt.date, key: str) -> PartitionIndex:
    return PartitionIndex(
        name=name_for_date(row["name"], event_date),
        definition=row["definition"],
        is_constraint=row["is_constraint"],
        is_unique=row["is_unique"],
        is_of_key=row["is_unique"] and _is_key(row["columns"], key),
    )


def _is_key(columns: Sequence[Any], key: str) -> bool:
    return set(columns or ()) == {key, "event_date"}


def _find_unknown_uniqueness(rows: Sequence[Row], columns: Sequence[str], key: str) -> list[str]:
    """Return the unique indexes whose violations must be found row by row, for each is a reject."""
    names = [
        row["name"]
        for row in rows
        if row["is_unique"]
        and not _is_key(row["columns"], key)
        and not set(columns).isdisjoint(row["columns"] or ())
    ]
    return [f"{', '.join(names)} is unique, too"] if names else []


def _find_unusable_schema(schema: str) -> list[str]:
    try:
        quote_identifier(schema)
    except ValueError as error:
        return [str(error)]
    return []
