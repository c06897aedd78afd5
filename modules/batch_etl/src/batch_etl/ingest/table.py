"""The target table: whether it can take the rows, which lock stands for it, and when its rows are new."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches

from batch_etl.ingest.cleaner import Cleaner
from batch_etl.ingest.columns import BOOKKEEPING, EVENT_DATE, ID
from batch_etl.ingest.config import LoadConfig
from batch_etl.ingest.partition_plan import PartitionPlan, read_partition_plan
from batch_etl.ingest.table_problems import (
    describe_kind,
    describe_missing_key,
    find_missing_grants,
    find_shape_problems,
)
from batch_etl.ingest.table_shape import TableShape, read_shape
from batch_etl.ingest.window import Start
from platform_interfaces import DatabaseInterface, QueryError, quote_table, split_table

MAX_RUN_SPAN = dt.timedelta(hours=1)
"""How far the ``created_at`` of a run's rows may lie apart: each write takes one microsecond of it."""


class TargetTable:
    """The table of a load.

    Attributes:
        name: as it was given.
        quoted: the name for SQL.
        key: the column of a row's key.
        key_type: the type of that column.
        columns: those that a cleaner fills.
        event_date: the date that is loaded.
        batch_size: rows sent to the database at a time.
    """

    def __init__(self, db: DatabaseInterface, config: LoadConfig, cleaner: Cleaner) -> None:
        self.name, self.event_date = config.target_table, config.event_date
        self.quoted, self.batch_size = quote_table(self.name), config.batch_size
        self.key, self.columns = cleaner.key, tuple(cleaner.columns)
        self.key_type = cleaner.columns[cleaner.key]
        self._db, self._cleaner = db, cleaner
        self._required = {**BOOKKEEPING, **cleaner.columns}
        # In a table that is partitioned by date the second is the only unique key that there can be.
        self._keys = ((self.key,), (self.key, EVENT_DATE))

    async def check(self, *, is_dry_run: bool) -> bool:
        """Return whether the table exists, and raise when it does and cannot take the rows of the date.

        Nothing is written. A dry run needs no right to write.

        Raises:
            QueryError: when its columns, key, partitions, triggers or grants do not fit; names all problems.
            DatabaseError: when the database may not be written.
        """
        shape = await self.read_shape()
        if shape is None:
            return False
        is_table = shape.kind == "table"
        problems = find_shape_problems(shape, self._required) if is_table else [describe_kind(shape)]
        if shape.lacks_partition:
            problems += await self._find_partition_problems(shape)
        if not is_dry_run:
            problems += find_missing_grants(shape, self.name, tuple(self._required))
        key = await self._find_key(shape)
        if key is None and is_table:
            problems.append(describe_missing_key(shape, self._keys))
        if problems:
            raise QueryError(
                f"table {self.name!r} cannot take the rows: {'; '.join(problems)}{self._advise()}"
            )
        if not is_dry_run:
            await self._insert_nothing(key or (), [name for name in self._required if name != ID])
        return True

    async def require(self) -> None:
        """Raise what ``check`` raises, and when there is no such table.

        Raises:
            QueryError: in that case, too.
        """
        if not await self.check(is_dry_run=False):
            raise self._explain_missing()

    async def read_shape(self) -> TableShape | None:
        """Return what the catalog says of the table; None when there is none."""
        return await read_shape(self._db, self.name, self.event_date)

    async def plan_partition(self) -> PartitionPlan | None:
        """Return how the partition of the date is made; None where one takes its rows, or none is needed."""
        shape = await self.read_shape()
        return await self._plan_partition(shape) if shape and shape.lacks_partition else None

    async def find_lock_name(self) -> str:
        """Return the name of the lock that one run at a time holds for the table and the date.

        It is that of the table itself, however it was named, and for a partition that of the whole table.
        """
        shape = await self.read_shape()
        if shape is None:
            raise self._explain_missing()
        return f"batch_etl:{shape.identity}:{self.event_date}"

    async def find_key(self) -> tuple[str, ...]:
        """Return the columns of the unique key of the table, which was checked before."""
        shape = await self.read_shape()
        key = shape and await self._find_key(shape)
        if not key:
            raise self._explain_missing()
        return key

    async def next_created_at(self) -> Start:
        """Return a timestamp, now or later, after which no row of the date follows within ``MAX_RUN_SPAN``.

        So no two runs of a date have a ``created_at`` in common, whatever clocks have shown, and rows whose
        own lies far in the future or is infinite do no harm. The server's clock is asked.
        """
        found = await self._db.fetch_one(
            f"""
            SELECT MIN(stamp) AS started_at, MIN(stamp) = now() AS is_now
            FROM (
                SELECT stamp, lead(stamp) OVER (ORDER BY stamp) AS next_stamp
                FROM (
                    SELECT now() AS stamp
                    UNION SELECT created_at FROM {self.quoted}
                    WHERE event_date = $1 AND created_at > now()
                ) AS stamps
            ) AS gaps
            WHERE next_stamp IS NULL
                OR next_stamp - INTERVAL '{MAX_RUN_SPAN.total_seconds():.0f} seconds' > stamp
            """,  # noqa: S608 - quoted
            [self.event_date],
        )
        if found and found["started_at"]:
            return Start(found["started_at"], found["is_now"])
        return Start(dt.datetime.now(dt.UTC), is_now=False)

    async def wait_for_writes(self) -> None:
        """Wait until no other transaction writes to the table, and let none begin before this one ends.

        The commit of a process that was killed may be under way. A database in memory has no such process.
        """
        with suppress(QueryError):
            async with self._db.transaction():
                await self._db.execute(f"LOCK TABLE {self.quoted} IN SHARE ROW EXCLUSIVE MODE")

    async def explain_count(self, started_at: dt.datetime, inserted: int, found: int) -> str:
        """Return why the table may have another number of rows of this run than the run has inserted."""
        counts = f"inserted {inserted}, but the table has {found} rows of this run"
        if found > inserted:
            return (
                f"{counts}: another program has written rows of {self.event_date} with created_at just after "
                f"{started_at.isoformat()}; run again, nothing is loaded twice"
            )
        shape = await self.read_shape()
        triggers = ", ".join(shape.after_triggers) if shape else ""
        cause = f"the trigger {triggers} (AFTER INSERT) or another program" if triggers else "another program"
        return f"{counts}: {cause} has deleted or changed rows meanwhile; run again to load them"

    async def _plan_partition(self, shape: TableShape) -> PartitionPlan:
        return await read_partition_plan(
            self._db, self.quoted, self.event_date, shape, self.columns, self.key
        )

    async def _find_partition_problems(self, shape: TableShape) -> list[str]:
        """Return why no partition takes the rows of the date, and the load makes none; empty if it does."""
        plan = await self._plan_partition(shape)
        if not plan.obstacles:
            return []
        reasons = "; ".join(plan.obstacles)
        return [f"no partition takes rows of {self.event_date}: create it (the load does not: {reasons})"]

    async def _find_key(self, shape: TableShape) -> tuple[str, ...] | None:
        """Return the first possible key that the table has; where the catalog does not say, try it."""
        if shape.unique_indexes is not None:
            fit = {index.columns for index in shape.unique_indexes if not index.flaw}
            return next((key for key in self._keys if frozenset(key) in fit), None)
        for key in self._keys:
            if shape.kind == "table" and shape.columns.keys() >= set(key):
                with suppress(QueryError):
                    await self._insert_nothing(key, key)
                    return key
        return None

    async def _insert_nothing(self, key: Sequence[str], columns: Sequence[str]) -> None:
        """Have the database check an insert like the later ones, of no row; what triggers do is undone."""
        names = ", ".join(columns)
        with suppress(_UndoneError):
            async with self._db.transaction():
                await self._db.execute(
                    f"INSERT INTO {self.quoted} ({names}) SELECT {names} FROM {self.quoted} "  # noqa: S608
                    f"WHERE FALSE ON CONFLICT ({', '.join(key)}) DO NOTHING"
                )
                raise _UndoneError

    def _explain_missing(self) -> QueryError:
        """Return the error that says that the table does not exist, and what to do."""
        own = self._cleaner.table
        near = get_close_matches(self.name, [own], n=1)
        hint = f" (did you mean {near[0]!r}?)" if near and near != [self.name] else ""
        what = (
            "apply the migrations with 'platform migrate up'"
            if self.name == own
            else f"create it first{self._describe_model()}"
        )
        return QueryError(
            f"table {self.name!r} does not exist in the schemas of the search_path{hint}: {what}"
        )

    def _advise(self) -> str:
        own, like = self._cleaner.table, self._describe_model()
        _, table = split_table(self.name)
        if table == own:
            return f"; change it, or name another table with --target-table{like}"
        if table == "events":
            return (
                f"; 'events' holds the platform's raw events: leave --target-table out to load into {own!r}, "
                f"or name a table{like}"
            )
        return f"; make it{like}"

    def _describe_model(self) -> str:
        return f" like {self._cleaner.table}, whose DDL is in the migration {self._cleaner.migration}"


class _UndoneError(Exception):
    """Raised to leave a transaction without its changes."""
