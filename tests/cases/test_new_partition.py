"""Case D3: the first load of a date into a table that is partitioned by it, which readers see as a whole.

Its account is that of a load into a table that takes rows as they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

import platform_migrate
from batch_etl.ingest import Limits
from batch_etl.main import run
from examples import events_by_day
from platform_interfaces import ConnectionLostError, PlatformContext, QueryError
from platform_memory import MemoryLogger, MemorySecrets
from platform_postgres import PostgresDatabase
from tests.cases.event_lines import between, event_line, totals_of
from tests.helpers.days import LOADING, PARTITION, TABLE, rows_of, tables
from tests.helpers.event_job import DATE, EventJob, totals

SMALL = Limits(chunk_lines=2, batch_lines=2, min_recent_keys=6)
"""So that duplicates a few lines apart are far apart."""
ORDINARY = f"CREATE TABLE {TABLE}_rest PARTITION OF {TABLE} DEFAULT"
"""With a partition for the rest, rows go into the table as they come."""


class ForgetfulDatabase(PostgresDatabase):
    """Loses its connection after the commit of what has one of ``forgets``, once for each."""

    def __init__(self, url: str) -> None:
        super().__init__(MemorySecrets({"DB_POSTGRES_URL": url}))
        self.forgets: list[str] = []
        self._done = set[str]()

    async def execute(self, query: str, params: Sequence[Any] | None = None, **options: Any) -> int:
        self._note(query)
        return await super().execute(query, params, **options)

    async def bulk_insert(self, table: str, rows: Sequence[Mapping[str, Any]], **options: Any) -> int:
        inserted = await super().bulk_insert(table, rows, **options)
        self._note("COPY")
        self._forget()
        return inserted

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        is_outer = self._sessions.current() is None
        async with super().transaction():
            yield
        if is_outer:
            self._forget()

    def _note(self, statement: str) -> None:
        self._done.update(word for word in self.forgets if word in statement)

    def _forget(self) -> None:
        for word in self._done:
            self.forgets.remove(word)
            self._done.remove(word)
            raise ConnectionLostError(f"the answer to {word} is lost")


@pytest.fixture
async def db(postgres_url: str) -> AsyncIterator[ForgetfulDatabase]:
    async with ForgetfulDatabase(postgres_url) as db:
        await platform_migrate.up(db)
        await events_by_day.up(db)
        yield db


@pytest.fixture
def job(db: ForgetfulDatabase) -> EventJob:
    return EventJob(db, limits=SMALL)


def numbered(*numbers: int, source: str = "test") -> bytes:
    """Return a file of events, one for each number."""
    return b"\n".join(event_line(f'{{"n": {number}}}', source=f'"{source}"') for number in numbers)


async def assert_alike(job: EventJob, *contents: bytes, code: int = 0, **arguments: Any) -> None:
    """Assert that a load into a new partition has the totals, rows and rejects of an ordinary one."""
    new = await job.load(*contents, target_table=TABLE, **arguments)
    rows, rejects = await rows_of(job.db, TABLE), await job.rejects()
    assert await tables(job.db) == ([f"+{PARTITION}"] if rows else [])
    await job.db.execute(f"DROP TABLE IF EXISTS {PARTITION}")
    await job.db.execute(ORDINARY)
    ordinary = await job.load(*contents, target_table=TABLE, **arguments)
    assert (new.code, totals(new)) == (code, totals(ordinary))
    assert rows == await rows_of(job.db, TABLE)
    assert rejects == await job.rejects()


async def test_a_first_load_makes_the_partition_and_a_second_one_skips_all(job: EventJob) -> None:
    content = between(event_line(), event_line())
    result = await job.load(content, target_table=TABLE)
    assert (result.code, totals(result)) == (0, totals_of(4, inserted=3, duplicates=1))
    assert await tables(job.db) == [f"+{PARTITION}"]
    result = await job.load(content, target_table=TABLE)
    assert (result.code, totals(result)) == (0, totals_of(4, skipped=3, duplicates=1))


SHAPE = """
    SELECT c.relowner::regrole::text AS owner, c.relacl::text[] AS grants, obj_description(c.oid) AS comment,
        regexp_replace(pg_get_expr(c.relpartbound, c.oid), '-1[567]', '', 'g') AS bound,
        (SELECT jsonb_agg(jsonb_build_array(a.attname, a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
            ORDER BY a.attnum)
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns,
        (SELECT jsonb_agg(jsonb_build_array(i.inhparent::regclass::text, x.indisunique, x.indisprimary)
            ORDER BY i.inhparent)
        FROM pg_index x JOIN pg_inherits i ON i.inhrelid = x.indexrelid
        WHERE x.indrelid = c.oid) AS indexes,
        (SELECT jsonb_agg(jsonb_build_array(k.contype, k.coninhcount, k.conislocal)
            ORDER BY k.contype, k.conkey)
        FROM pg_constraint k WHERE k.conrelid = c.oid) AS constraints
    FROM pg_class c WHERE c.oid = to_regclass($1)
"""


async def test_the_partition_is_as_one_that_the_server_makes(job: EventJob) -> None:
    await job.load(between(), target_table=TABLE)
    await job.db.execute(
        f"CREATE TABLE other PARTITION OF {TABLE} FOR VALUES FROM ('2026-01-16') TO ('2026-01-17')"
    )
    found = [await job.db.fetch_one(SHAPE, [name]) for name in (PARTITION, "other")]
    assert found[0] == found[1]


async def test_of_duplicates_far_apart_the_first_stays_and_the_others_are_counted(job: EventJob) -> None:
    first, later = numbered(*range(40)), numbered(*range(40), *range(30), source="later")
    await assert_alike(job, first, later)
    await job.db.execute(f"DROP TABLE {TABLE}_rest")
    result = await job.load(first, later, target_table=TABLE)
    assert totals(result) == totals_of(110, inserted=40, duplicates=70)
    assert {row["source"] for row in await rows_of(job.db, TABLE)} == {"test"}


async def test_what_the_database_refuses_is_rejected_and_can_be_retried(job: EventJob) -> None:
    await job.db.execute(f"ALTER TABLE {TABLE} ADD CONSTRAINT good CHECK (source <> 'bad')")
    content = numbered(1, 2, 3) + b"\n" + numbered(4, source="bad") + b"\nnothing\n" + numbered(1, 5)
    await assert_alike(job, content)
    await job.db.execute(f"DROP TABLE {TABLE}_rest; ALTER TABLE {TABLE} DROP CONSTRAINT good")
    result = await job.retry(target_table=TABLE)
    assert totals(result) == totals_of(2, inserted=1, malformed_json=1)
    assert await tables(job.db) == [f"+{PARTITION}"]


async def test_without_a_valid_line_there_is_no_partition(job: EventJob) -> None:
    await assert_alike(job, b"nothing\n", code=1)


async def test_a_dry_run_makes_nothing(job: EventJob) -> None:
    result = await job.load(between(), target_table=TABLE, dry_run=True)
    assert (result.code, totals(result)["unique"]) == (0, 2)
    assert await tables(job.db) == []


async def stop_at_the_end(db: ForgetfulDatabase, load: Coroutine[Any, Any, Any]) -> None:
    """Run a load until all its rows are in a table, and cancel it before that becomes a partition."""
    async with db.transaction():
        await db.execute(f"LOCK TABLE {TABLE} IN SHARE UPDATE EXCLUSIVE MODE")
        loading = asyncio.create_task(load)
        await until_waiting(db, "ATTACH PARTITION")
        [name] = await tables(db)
        assert name.startswith(LOADING)
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading
    assert await tables(db) == []


async def test_a_load_that_is_stopped_has_inserted_nothing(db: ForgetfulDatabase, job: EventJob) -> None:
    await job.fs.write(f"raw/events/{DATE}/a.jsonl", numbered(1, 2))
    log = MemoryLogger()
    ctx = PlatformContext(log=log, db=db, fs=job.fs, config=job.context(target_table=TABLE).config)
    await stop_at_the_end(db, run(ctx, SMALL))
    assert ctx.run.figures["inserted"] == 0
    [stopped] = [event for event in log.events if "was interrupted" in event.message]
    assert (stopped.fields["unique"], stopped.fields["inserted"]) == (2, 0)


async def test_rejects_are_kept_until_their_rows_can_be_read(db: ForgetfulDatabase, job: EventJob) -> None:
    await db.execute(f"ALTER TABLE {TABLE} ADD CONSTRAINT good CHECK (source <> 'bad')")
    assert (await job.load(numbered(4, source="bad"), target_table=TABLE)).code == 1
    await db.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT good")
    await stop_at_the_end(db, job.retry(target_table=TABLE))
    assert len(await job.rejects()) == 1
    assert totals(await job.retry(target_table=TABLE)) == totals_of(1, inserted=1)
    assert await job.rejects() == []


async def until_waiting(db: PostgresDatabase, statement: str) -> None:
    """Return once a session waits for a lock with a statement that contains this."""
    query = (
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid <> pg_backend_pid() "
        f"AND datname = current_database() AND query LIKE '%{statement}%'"
    )
    while not await db.fetch_all(query):
        await db.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)")


@pytest.mark.parametrize(
    "forgets",
    [["COPY"], ["COPY", "COPY"], ["CREATE TABLE"], ["ANALYZE"], ["ATTACH"], ["COPY", "ANALYZE", "ATTACH"]],
    ids=",".join,
)
async def test_the_account_is_exact_when_the_answer_to_a_commit_is_lost(
    db: ForgetfulDatabase, job: EventJob, forgets: list[str]
) -> None:
    db.forgets = list(forgets)
    result = await job.load(numbered(*range(20)), numbered(*range(5, 25)), target_table=TABLE)
    assert (result.code, totals(result)) == (0, totals_of(40, inserted=25, duplicates=15))
    assert (db.forgets, await tables(db)) == ([], [f"+{PARTITION}"])
    result = await job.load(numbered(*range(20)), target_table=TABLE)
    assert totals(result) == totals_of(40, skipped=25, duplicates=15)
    assert len(await rows_of(db, TABLE)) == 25


async def test_what_a_killed_run_has_left_is_removed_by_the_next_run_of_the_date(
    db: ForgetfulDatabase, job: EventJob
) -> None:
    leave = "CREATE TABLE {name} (LIKE events_by_day); COMMENT ON TABLE {name} IS '{comment}'"
    comment = (
        "batch_etl: rows of {date} for public.events_by_day, not attached yet; "
        "where no load of the date is running, it may be dropped, as the next one does"
    )
    for name, date in (("own", DATE), ("other_date", "2026-01-14")):
        await db.execute(leave.format(name=name, comment=comment.format(date=date)))
    await db.execute(leave.format(name="of_a_user", comment="mine"))
    result = await job.load(between(), target_table=TABLE)
    assert result.fields("Removing the table of a load that did not end") == {"table": "public.own"}
    left = "SELECT relname::text AS name FROM pg_class WHERE relname IN ('own', 'other_date', 'of_a_user')"
    assert {row["name"] for row in await db.fetch_all(left)} == {"other_date", "of_a_user"}


async def test_a_table_with_the_name_of_the_partition_is_left_alone(
    db: ForgetfulDatabase, job: EventJob
) -> None:
    await job.load(between(), target_table=TABLE)
    await db.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {PARTITION}")
    with pytest.raises(
        QueryError, match=f"names are taken: {PARTITION}, .*attach that table as the partition"
    ):
        await job.load(between(), target_table=TABLE)
    assert await tables(db) == [PARTITION]


async def test_two_runs_at_once_load_the_date_once(postgres_url: str, job: EventJob) -> None:
    async with ForgetfulDatabase(postgres_url) as db:
        other = EventJob(db, job.fs, SMALL)
        await job.fs.write(f"raw/events/{DATE}/a.jsonl", numbered(*range(30)))
        results = await asyncio.gather(*(each.run(target_table=TABLE) for each in (job, other)))
    assert sorted(totals(each)["inserted"] for each in results) == [0, 30]
    assert sorted(totals(each)["skipped"] for each in results) == [0, 30]


async def test_an_undo_leaves_an_empty_partition_and_the_next_load_fills_it(job: EventJob) -> None:
    await job.load(between(), target_table=TABLE)
    await job.db.execute(f"DELETE FROM {TABLE}")
    result = await job.load(between(), target_table=TABLE)
    assert totals(result) == totals_of(2, inserted=2)


TRIGGER = """
    CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
    CREATE TRIGGER watcher AFTER INSERT ON events_by_day FOR EACH ROW EXECUTE FUNCTION change()
"""
OBSTACLES = {
    TRIGGER: "the trigger watcher would not see its rows",
    f"CREATE TABLE wide PARTITION OF {TABLE} FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')": (
        "none of its partitions is of one day"
    ),
    f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY": "it has row-level security",
    f"CREATE TABLE types (name TEXT UNIQUE); ALTER TABLE {TABLE} ADD FOREIGN KEY (source) "
    "REFERENCES types (name)": "it has foreign keys",
    f"CREATE PUBLICATION p FOR TABLE {TABLE}": "it may be in a publication",
    f"ALTER TABLE {TABLE} ADD UNIQUE (source, event_date)": "_source_event_date_key is unique, too",
    f"CREATE UNIQUE INDEX ON {TABLE} (lower(source), event_date)": "a unique index over an expression",
    f"ALTER TABLE {TABLE} ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY": (
        "a column is an identity, instead of BIGSERIAL"
    ),
}


@pytest.mark.parametrize(("change", "reason"), OBSTACLES.items(), ids=list(OBSTACLES.values()))
async def test_where_a_partition_may_not_be_right_it_is_asked_for_and_rows_go_into_it_as_they_come(
    job: EventJob, change: str, reason: str
) -> None:
    await job.db.execute(change)
    with pytest.raises(QueryError, match=rf"no partition takes rows of {DATE}: create it .*: .*{reason}"):
        await job.load(between(), target_table=TABLE)
    assert not any(PARTITION in name for name in await tables(job.db))


async def test_what_else_a_table_may_have_is_had_by_its_partitions(job: EventJob) -> None:
    await job.db.execute(
        f"ALTER TABLE {TABLE} ADD COLUMN size INTEGER GENERATED ALWAYS AS (length(source)) STORED; "
        f'CREATE INDEX "odd "" USING name" ON {TABLE} USING gin (payload) WHERE source <> \'x\'; '
        f"CREATE INDEX ON {TABLE} (lower(source)) INCLUDE (id); "
        f"CREATE STATISTICS both_texts ON source, event_type FROM {TABLE}; "
        f"COMMENT ON COLUMN {TABLE}.source IS 'who'"
    )
    await assert_alike(job, between())


async def test_names_that_would_be_too_long_differ(job: EventJob) -> None:
    long = "a" * 62
    for end in "bc":
        like = f"LIKE {TABLE} INCLUDING ALL"
        await job.db.execute(f"CREATE TABLE {long}{end} ({like}) PARTITION BY RANGE (event_date)")
        result = await job.load(between(), target_table=f"{long}{end}")
        assert (result.code, totals(result)) == (0, totals_of(2, inserted=2))
