"""A table that the rows of a date are loaded into before it becomes a partition."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self
from uuid import uuid4

from batch_etl.ingest.limits import Limits
from batch_etl.ingest.partition_indexes import build_indexes
from batch_etl.ingest.partition_plan import PartitionPlan, name_for_date
from batch_etl.ingest.retrying import Retries
from platform_interfaces import (
    DatabaseError,
    DatabaseInterface,
    LoggingInterface,
    QueryError,
)

_CHECK = '"batch_etl_date"'
_LEFTOVERS = """
    SELECT c.oid::bigint AS oid, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind = 'r' AND NOT c.relispartition
        AND obj_description(c.oid, 'pg_class') = $2
"""
# The server goes on with a statement whose client was killed; readers, such as a backup, are left alone.
_CANCEL_WRITERS = """
    SELECT pg_cancel_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE a.datname = current_database() AND a.usename = current_user AND a.backend_type = 'client backend'
        AND a.pid <> pg_backend_pid() AND l.relation = $1::bigint::oid AND l.mode <> 'AccessShareLock'
"""
_NAMES = """
    SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) ORDER BY 1
"""
_STATE = """
    SELECT relispartition AS is_attached, EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid) AS is_indexed
    FROM pg_class c WHERE c.oid = $1::bigint::oid
"""


class NewPartition:
    """A table that becomes the partition of a date in one step, when it is complete.

    Whoever enters it holds the lock of the date: what a killed run has left is removed. No other run uses its
    name, so that a process that has lost the lock writes into no table of another run. At the end of the
    block it is dropped, unless it was attached.
    """

    def __init__(
        self,
        db: DatabaseInterface,
        log: LoggingInterface,
        plan: PartitionPlan,
        key: str,
        retries: Retries,
        limits: Limits,
    ) -> None:
        self._db, self._log, self._plan, self._key = db, log, plan, key
        self._retries, self._limits = retries, limits
        self._parent = plan.quote(plan.parent)
        self._name, self._oid = "", 0
        self._duplicates = 0
        self._is_attached = False

    @property
    def table(self) -> str:
        """Return the name of the table, with the schema, while it is loaded."""
        return f"{self._plan.schema}.{self._name}"

    async def __aenter__(self) -> Self:
        """Create the table.

        Raises:
            QueryError: when another relation has the name of the partition, or of one of its indexes.
        """
        await self._retries(self._create)
        self._log.info(
            "The date has no partition: its rows become readable together, when all are loaded",
            partition=self._plan.name,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop the table, unless it is a partition by now."""
        if self._is_attached:
            return
        try:
            await self._db.execute(f"DROP TABLE IF EXISTS {self._quoted}")
        except DatabaseError as failure:
            advice = "the next load of the date removes it"
            self._log.warn(f"A table that is not a partition is left: {advice}", reason=str(failure))

    async def complete(self) -> int:
        """Make the rows unique by key, index them and attach the table; return how many were duplicates.

        Of rows with the same key the one with the earliest ``created_at`` stays.

        Raises:
            DatabaseError: when the table cannot be indexed or attached; readers have seen none of its rows.
        """
        self._log.info("All rows are stored: building the indexes", partition=self._plan.name)
        await self._ensure("is_indexed", self._index)
        await self._ensure("is_attached", self._attach)
        self._is_attached = True
        self._log.info("Partition attached", partition=self._plan.name, duplicates=self._duplicates)
        return self._duplicates

    @property
    def _quoted(self) -> str:
        return self._plan.quote(self._name)

    @property
    def _mark(self) -> str:
        """Return the comment by which the next run of the date knows what a killed one has left."""
        plan = self._plan
        return (
            f"batch_etl: rows of {plan.event_date} for {plan.schema}.{plan.parent}, not attached yet; "
            "where no load of the date is running, it may be dropped, as the next one does"
        )

    async def _remove_leftovers(self) -> None:
        for found in await self._db.fetch_all(_LEFTOVERS, [self._plan.schema, self._mark]):
            self._log.warn("Removing the table of a load that did not end", table=found["name"])
            await self._db.fetch_all(_CANCEL_WRITERS, [found["oid"]])
            await self._db.execute(f"DROP TABLE IF EXISTS {found['name']}")

    async def _refuse_taken_names(self) -> None:
        if taken := await self._db.fetch_all(_NAMES, [self._plan.schema, self._plan.names]):
            listed = ", ".join(row["name"] for row in taken)
            raise QueryError(
                f"the partition of {self._plan.event_date} cannot be made in schema {self._plan.schema!r}, "
                f"for its names are taken: {listed}; attach that table as the partition, or rename it with "
                "its indexes"
            )

    async def _create(self) -> None:
        await self._remove_leftovers()  # also of an attempt whose answer was lost
        await self._refuse_taken_names()
        plan, date = self._plan, self._plan.event_date
        self._name = name_for_date(plan.parent, date, f"_loading_{uuid4().hex[:8]}")
        async with self._db.transaction():
            # With the CHECK, which costs nothing here, attaching reads no row.
            await self._db.execute(
                f"CREATE TABLE {self._quoted} (LIKE {self._parent} INCLUDING ALL EXCLUDING INDEXES, "
                f"CONSTRAINT {_CHECK} CHECK (event_date IS NOT NULL AND event_date >= DATE '{date}' "
                f"AND event_date < DATE '{date}' + 1))"
            )
            if plan.owner:
                await self._db.execute(f"ALTER TABLE {self._quoted} OWNER TO {plan.owner}")
            await self._db.execute(f"COMMENT ON TABLE {self._quoted} IS '{self._mark}'")
            found = await self._db.fetch_one("SELECT to_regclass($1)::oid::bigint AS oid", [self._quoted])
        self._oid = found["oid"] if found else 0

    async def _ensure(self, state: str, change: Callable[[], Awaitable[None]]) -> None:
        """Change the state of the table, which fails when it was changed, and the answer to that was lost."""

        async def change_once() -> None:
            try:
                await change()
            except QueryError:
                found = await self._db.fetch_one(_STATE, [self._oid])
                if not (found and found[state]):
                    raise

        await self._retries(change_once)

    async def _index(self) -> None:
        async with self._db.transaction():
            self._duplicates = await build_indexes(
                self._db, self._quoted, self._plan, self._key, timeout=self._limits.index_seconds
            )

    async def _attach(self) -> None:
        """Make the table a partition, with the name of one, in a transaction that waits for no one long."""
        db, date, quoted = self._db, self._plan.event_date, self._quoted
        async with db.transaction():
            await db.execute(f"SET LOCAL lock_timeout = '{self._limits.attach_wait_seconds * 1000:.0f}ms'")
            await db.execute(
                f"ALTER TABLE {self._parent} ATTACH PARTITION {quoted} "
                f"FOR VALUES FROM ('{date}') TO (DATE '{date}' + 1)"
            )
            await db.execute(f"ALTER TABLE {quoted} DROP CONSTRAINT {_CHECK}")
            await db.execute(f"COMMENT ON TABLE {quoted} IS NULL")
            await db.execute(f'ALTER TABLE {quoted} RENAME TO "{self._plan.name}"')
