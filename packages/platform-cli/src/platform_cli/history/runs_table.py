"""The table ``_runs``: what has run, what became of it, and what it reported."""

import datetime as dt
from collections.abc import Collection, Mapping
from contextlib import aclosing
from dataclasses import fields, replace
from typing import Any

from platform_cli.history.load_key import DATE
from platform_cli.history.record import RunRecord, RunStatus
from platform_interfaces import DatabaseInterface, LockTimeoutError, PlatformError, QueryError

TABLE = "_runs"

_ATTRIBUTES = tuple(each.name for each in fields(RunRecord))
_COLUMNS = tuple({"user": "user_name"}.get(name, name) for name in _ATTRIBUTES)
# What changes in the life of a run. A row that has ended is not changed by a write that comes late.
_CHANGING = ("ended_at", "status", "exit_code", "failure_kind", "error", "figures", "rejects")
_SAVE = f"""
    INSERT INTO {TABLE} ({", ".join(_COLUMNS)})
    VALUES ({", ".join(f"${number}" for number in range(1, len(_COLUMNS) + 1))})
    ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _CHANGING)}
    WHERE {TABLE}.status = '{RunStatus.RUNNING}'
"""  # noqa: S608 - constants
_FIND = f"""
    SELECT {", ".join(_COLUMNS)} FROM {TABLE}
    WHERE ($1::text IS NULL OR module = $1) AND ($2::timestamptz IS NULL OR started_at >= $2)
        AND ($3::text[] IS NULL OR status = ANY($3::text[]))
        AND ($4::text[] IS NULL OR arguments->>'{DATE}' = ANY($4::text[]))
    ORDER BY started_at DESC, id LIMIT $5
"""  # noqa: S608 - constants


def lock_name(run_id: str) -> str:
    """Return the name of the lock that the process of a run holds as long as it lives."""
    return f"platform run {run_id}"


async def save_run(db: DatabaseInterface, record: RunRecord) -> None:
    """Write the row of a run, new or as it is now; a row that has ended stays as it is.

    Raises:
        QueryError: when there is no such table, or it may not be written.
        DatabaseError: when it cannot be written.
    """
    values = [getattr(record, name) for name in _ATTRIBUTES]
    try:
        await db.execute(_SAVE, [str(each) if isinstance(each, RunStatus) else each for each in values])
    except QueryError as error:
        if await has_table(db):
            raise
        raise QueryError(
            f"table {TABLE!r} does not exist: apply the platform's migrations with 'platform migrate up' and "
            "the flags of this run"
        ) from error


async def find_runs(
    db: DatabaseInterface,
    *,
    module: str | None = None,
    since: dt.datetime | None = None,
    statuses: Collection[RunStatus] = (),
    dates: Collection[str] = (),
    limit: int | None = None,
) -> list[RunRecord]:
    """Return the runs that are recorded, the newest first; none where nothing was recorded yet.

    A run whose process died is returned as interrupted.

    Args:
        db: connected.
        module: the name of the module; None for all.
        since: the earliest start, aware; None for no limit.
        statuses: those that are returned; empty for all.
        dates: those that the returned runs are for, as YYYY-MM-DD; empty for all runs.
        limit: how many runs; None for all.

    Raises:
        DatabaseError: when the table cannot be read.
    """
    stored = {*statuses, *([RunStatus.RUNNING] if RunStatus.INTERRUPTED in statuses else [])}
    names = sorted(map(str, stored)) or None
    days = sorted(dates) or None
    found: list[RunRecord] = []
    try:
        async with aclosing(
            db.stream(_FIND, [module, since, names, days, None if stored else limit])
        ) as rows:
            async for row in rows:
                record = await _settle(db, _read(row))
                if not statuses or record.status in statuses:
                    found.append(record)
                if len(found) == limit:
                    break
    except QueryError:
        if await has_table(db):
            raise
    return found


async def find_run(db: DatabaseInterface, prefix: str) -> RunRecord:
    """Return the run whose id begins with ``prefix``.

    Raises:
        PlatformError: when there is none, or more than one; it says which.
        DatabaseError: when the table cannot be read.
    """
    asked = prefix.strip().lower()
    query = f"SELECT {', '.join(_COLUMNS)} FROM {TABLE} WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 6"  # noqa: S608
    rows = []
    try:
        if asked:  # "g" comes after all hexadecimal digits
            rows = await db.fetch_all(query, [asked, asked + "g"])
    except QueryError:
        if await has_table(db):
            raise
    if not rows:
        raise PlatformError(f"no run with an id that begins with {prefix!r} is recorded")
    if len(rows) > 1:
        ids = ", ".join(row["id"][: len(asked) + 4] for row in rows[:5]) + (", …" if len(rows) > 5 else "")
        raise PlatformError(f"several runs have an id that begins with {prefix!r}: {ids}; give more of it")
    return await _settle(db, _read(rows[0]))


async def has_table(db: DatabaseInterface, table: str = TABLE) -> bool:
    """Return whether a table exists in a schema of the search_path."""
    found = await db.fetch_one(
        # Not information_schema, which hides tables without a right to them: they would seem missing.
        "SELECT 1 AS one FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE relname = $1 AND nspname = ANY(current_schemas(false))",
        [table],
    )
    return found is not None


async def mark_undone(db: DatabaseInterface, record: RunRecord, undone: Mapping[str, Any]) -> bool:
    """Mark a run as undone, and return whether it was not before."""
    statement = (
        f"UPDATE {TABLE} SET status = $2, undone = $3 "  # noqa: S608 - a constant
        "WHERE id = $1 AND status <> $2"
    )
    return await db.execute(statement, [record.id, str(RunStatus.UNDONE), dict(undone)]) > 0


def _read(row: Mapping[str, Any]) -> RunRecord:
    values = {name: row[column] for name, column in zip(_ATTRIBUTES, _COLUMNS, strict=True)}
    try:
        return RunRecord(**values | {"status": RunStatus(row["status"])})
    except ValueError as error:
        raise PlatformError(
            f"run {row['id']} has the status {row['status']!r}, which this version of platform-cli does not "
            "know: upgrade it to the one that has written it"
        ) from error


async def _settle(db: DatabaseInterface, record: RunRecord) -> RunRecord:
    """Return the record; where its process died without an end in its row, as interrupted."""
    if record.status != RunStatus.RUNNING:
        return record
    try:
        async with db.lock(lock_name(record.id), timeout=0):
            # The run may have ended since its row was read.
            row = await db.fetch_one(f"SELECT {', '.join(_COLUMNS)} FROM {TABLE} WHERE id = $1", [record.id])  # noqa: S608
    except LockTimeoutError:
        return record
    now = _read(row) if row else record
    return replace(now, status=RunStatus.INTERRUPTED) if now.status == RunStatus.RUNNING else now
