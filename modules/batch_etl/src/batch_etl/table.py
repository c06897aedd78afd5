"""The target table: whether it can take the events, which lock stands for it, and when its rows are new."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches

from batch_etl.job import Job
from batch_etl.table_shape import Column, TableShape, read_shape
from platform_interfaces import DatabaseInterface, QueryError, quote_table, split_table

MAX_RUN_SPAN = dt.timedelta(hours=1)
"""How far the ``created_at`` of a run's rows may lie apart: each write takes one microsecond of it."""

_TEXT = ("text or varchar(255)", ("text", "character varying", "varchar", "citext"))
_INTEGER = ("bigint or integer", ("bigint", "integer", "smallint"))
_TIMESTAMP = ("timestamptz with microseconds", ("timestamp with time zone", "timestamp(6) with time zone"))
_REQUIRED = {
    "id": _INTEGER,
    "event_type": _TEXT,
    "payload": ("jsonb", ("jsonb", "json")),
    "source": _TEXT,
    "event_date": ("date", ("date",)),
    "dedup_key": ("bytea", ("bytea", "blob")),
    "created_at": _TIMESTAMP,
}
"""For each column what it should be, and the names of the types that are that."""
_WRITTEN = [name for name in _REQUIRED if name != "id"]
_KEYS: tuple[tuple[str, ...], ...] = (("dedup_key",), ("dedup_key", "event_date"))
"""The unique keys an event may have: ``dedup_key`` is made from the date, too, so they mean the same."""


_LIKE = " like cleaned_events, whose DDL is in the migration 003_create_cleaned_events_table"


async def check_table(db: DatabaseInterface, job: Job) -> bool:
    """Return whether the target table exists, and raise when it does and cannot take the events of the date.

    Nothing is written. A dry run needs no right to write.

    Raises:
        QueryError: when its columns, key, partitions, triggers or grants do not fit; names all problems.
        DatabaseError: when the database may not be written.
    """
    shape = await read_shape(db, job.target_table, job.event_date)
    if shape is None:
        return False
    problems = _find_problems(shape) if shape.kind == "table" else [_not_a_table(shape)]
    if not job.is_dry_run:
        problems += _find_missing_grants(shape, job.target_table)
    key = await _find_key(db, job, shape)
    if key is None and shape.kind == "table":
        problems.append(_missing_key(shape))
    if problems:
        raise QueryError(
            f"table {job.target_table!r} cannot take the events: {'; '.join(problems)}{_advice(job)}"
        )
    if not job.is_dry_run:
        await _insert_nothing(db, job, key or ())
    return True


async def require_table(db: DatabaseInterface, job: Job) -> None:
    """Raise what ``check_table`` raises, and when there is no such table.

    Raises:
        QueryError: in that case, too.
    """
    if not await check_table(db, job):
        raise missing_table(job)


def missing_table(job: Job) -> QueryError:
    """Return the error that says that the target table does not exist, and what to do."""
    near = get_close_matches(job.target_table, ["cleaned_events"], n=1)
    hint = f" (did you mean {near[0]!r}?)" if near and near != [job.target_table] else ""
    what = (
        "apply the migrations with 'platform migrate up'"
        if job.target_table == "cleaned_events"
        else f"create it first{_LIKE}"
    )
    return QueryError(
        f"table {job.target_table!r} does not exist in the schemas of the search_path{hint}: {what}"
    )


async def lock_name(db: DatabaseInterface, job: Job) -> str:
    """Return the name of the lock that one run at a time holds for its table and date.

    It is that of the table itself, however it was named, and for a partition that of the whole table.
    """
    shape = await read_shape(db, job.target_table, job.event_date)
    if shape is None:
        raise missing_table(job)
    return f"batch_etl:{shape.identity}:{job.date}"


async def find_key(db: DatabaseInterface, job: Job) -> tuple[str, ...]:
    """Return the columns of the unique key of the target table, which was checked before."""
    shape = await read_shape(db, job.target_table, job.event_date)
    key = shape and await _find_key(db, job, shape)
    if not key:
        raise missing_table(job)
    return key


async def next_moment(db: DatabaseInterface, job: Job) -> dt.datetime:
    """Return a timestamp, now or later, after which no row of the date follows within ``MAX_RUN_SPAN``.

    So no two runs of a date have a ``created_at`` in common, whatever clocks have shown, and rows whose own
    lies far in the future or is infinite are in nobody's way. It is the server's clock that is asked.
    """
    found = await db.fetch_one(
        f"""
        SELECT MIN(stamp) AS moment
        FROM (
            SELECT stamp, lead(stamp) OVER (ORDER BY stamp) AS next_stamp
            FROM (
                SELECT now() AS stamp
                UNION SELECT created_at FROM {quote_table(job.target_table)}
                WHERE event_date = $1 AND created_at > now()
            ) AS stamps
        ) AS gaps
        WHERE next_stamp IS NULL OR next_stamp - INTERVAL '{MAX_RUN_SPAN.total_seconds():.0f} seconds' > stamp
        """,  # noqa: S608 - quoted
        [job.event_date],
    )
    return found["moment"] if found and found["moment"] else job.started_at


async def explain_count(db: DatabaseInterface, job: Job, inserted: int, found: int) -> str:
    """Return why the table may have another number of rows of this run than the run has inserted."""
    counts = f"inserted {inserted}, but the table has {found} rows of this run"
    if found > inserted:
        return (
            f"{counts}: another program has written rows of {job.date} with created_at just after "
            f"{job.started_at.isoformat()}; run again, nothing is loaded twice"
        )
    shape = await read_shape(db, job.target_table, job.event_date)
    triggers = ", ".join(shape.after_triggers) if shape else ""
    cause = f"the trigger {triggers} (AFTER INSERT) or another program" if triggers else "another program"
    return f"{counts}: {cause} has deleted or changed rows meanwhile; run again to load them"


def _find_problems(shape: TableShape) -> list[str]:
    problems = [
        problem for name in _REQUIRED if (problem := _find_column_problem(name, shape.columns.get(name)))
    ]
    for name, column in shape.columns.items():
        if name not in _REQUIRED and not (column.is_nullable or column.has_default):
            problems.append(f'column "{name}" is NOT NULL and the load does not fill it: give it a default')
    return [*problems, *shape.problems]


def _find_column_problem(name: str, column: Column | None) -> str:
    wanted, types = _REQUIRED[name]
    if column is None:
        return f'column "{name}" is missing: it must be {wanted}'
    if column.type not in types and re.sub(r"[(][0-9]+[)]$", "", column.type) not in types:
        return f'column "{name}" is {column.type}: it must be {wanted}'
    if column.is_generated:
        return f'column "{name}" is generated: it must be a plain column of type {wanted}'
    if name == "id" and (column.has_constant or not column.has_default):
        found = "the same default for all rows" if column.has_default else "no default"
        return f'column "id" has {found}: it must be BIGSERIAL or an identity'
    if name == "id" and column.is_nullable:
        return 'column "id" may be NULL: it must be NOT NULL'
    return ""


def _not_a_table(shape: TableShape) -> str:
    return f"it is a {shape.kind}, and the load cannot insert into {shape.kind}s: name the table itself"


def _find_missing_grants(shape: TableShape, table: str) -> list[str]:
    columns = [(name, shape.columns[name]) for name in _REQUIRED if name in shape.columns]
    missing = [
        right
        for right, is_missing in (
            ("SELECT", any(not column.may_select for _, column in columns)),
            ("INSERT", any(not column.may_insert for name, column in columns if name != "id")),
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


async def _find_key(db: DatabaseInterface, job: Job, shape: TableShape) -> tuple[str, ...] | None:
    """Return the first of ``_KEYS`` that the table has; where the catalog does not say, it is tried out."""
    if shape.unique_indexes is not None:
        fit = {index.columns for index in shape.unique_indexes if not index.flaw}
        return next((key for key in _KEYS if frozenset(key) in fit), None)
    for key in _KEYS:
        if shape.kind == "table" and shape.columns.keys() >= set(key):
            with suppress(QueryError):
                await _insert_nothing(db, job, key, key)
                return key
    return None


def _missing_key(shape: TableShape) -> str:
    flawed = [
        f"the one on ({', '.join(key)}) is {index.flaw}"
        for index in shape.unique_indexes or ()
        for key in _KEYS
        if index.flaw and index.columns == frozenset(key)
    ]
    found = f" ({'; '.join(flawed)})" if flawed else ""
    return f"it has no unique key on (dedup_key), or on (dedup_key, event_date){found}"


def _advice(job: Job) -> str:
    _, table = split_table(job.target_table)
    if table == "events":
        return (
            "; 'events' holds the platform's raw events: leave --target-table out to load into "
            f"'cleaned_events', or name a table{_LIKE}"
        )
    if table == "cleaned_events":
        return f"; change it, or name another table with --target-table{_LIKE}"
    return f"; make it{_LIKE}"


async def _insert_nothing(
    db: DatabaseInterface, job: Job, key: Sequence[str], columns: Sequence[str] = _WRITTEN
) -> None:
    """Have the database check an insert like the later ones, of no row; what triggers do is undone."""
    table, names = quote_table(job.target_table), ", ".join(columns)
    with suppress(_UndoneError):
        async with db.transaction():
            await db.execute(
                f"INSERT INTO {table} ({names}) SELECT {names} FROM {table} WHERE FALSE "  # noqa: S608 - quoted
                f"ON CONFLICT ({', '.join(key)}) DO NOTHING"
            )
            raise _UndoneError


class _UndoneError(Exception):
    """Raised to leave a transaction without its changes."""
