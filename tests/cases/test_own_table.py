"""Cases D1 to D7 and C24: tables of one's own, and databases in which other tables are already.

Each table is refused before a line is read, with all that is wrong, or the load into it is exact.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

import platform_migrate
from batch_etl.config import read_arguments
from batch_etl.ingest import Limits
from batch_etl.ingest.table import TargetTable
from platform_interfaces import DatabaseError, DatabaseInterface, LockTimeoutError, QueryError
from platform_memory import MemorySecrets
from platform_migrate import MigrationFailedError, MigrationRefusedError
from platform_postgres import PostgresDatabase
from tests.cases.event_lines import between, event_line, totals_of
from tests.helpers.event_job import EventJob, totals
from tests.helpers.tables import make_tables

COLUMNS = {
    "id": "BIGSERIAL PRIMARY KEY",
    "event_type": "VARCHAR(255) NOT NULL",
    "payload": "JSONB NOT NULL",
    "source": "VARCHAR(255) NOT NULL",
    "event_date": "DATE NOT NULL",
    "dedup_key": "BYTEA NOT NULL UNIQUE",
    "created_at": "TIMESTAMPTZ NOT NULL",
}
BEFORE_TRIGGER = """
    CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$;
    CREATE TRIGGER changer BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION change()
"""
AFTER_TRIGGER = """
    CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} RETURN NULL; END $$;
    CREATE TRIGGER changer AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION change()
"""


def ddl(changes: Mapping[str, str] | None = None, end: str = "") -> str:
    """Return the statement that makes the table ``own``, with columns changed, added or (None) left out."""
    columns = {**COLUMNS, **(changes or {})}
    return f"CREATE TABLE own ({', '.join(f'{name} {kind}' for name, kind in columns.items() if kind)}) {end}"


def client(url: str, **parameters: str) -> PostgresDatabase:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    separator = "&" if "?" in url else "?"
    return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": f"{url}{separator}{query}".rstrip("?&")}))


@pytest.fixture
async def pg(postgres_url: str) -> AsyncIterator[EventJob]:
    async with client(postgres_url) as db:
        await make_tables(db)
        yield EventJob(db)


def target(db: DatabaseInterface, **changes: Any) -> TargetTable:
    """Return the table of a load into ``own``."""
    arguments = {"date": "2026-01-15", "source-path": "raw", "target-table": "own"} | changes
    return TargetTable(db, *read_arguments(arguments))


async def assert_refused(job: EventJob, *parts: str, table: str = "own") -> None:
    """Assert that the table is refused before any line is read, and none is rejected."""
    with pytest.raises(QueryError) as caught:
        await job.load(between(event_line()), target_table=table)
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)
    assert await job.fs.list("rejected") == []


async def assert_loads(job: EventJob, table: str = "own") -> None:
    """Assert that a load, the same again, and one with a new event between known ones are exact."""
    first = between(event_line(), event_line('{"n": 1}'), event_line())
    assert await run(job, first, table) == (0, totals_of(5, inserted=4, duplicates=1))
    assert await run(job, first, table) == (0, totals_of(5, skipped=4, duplicates=1))
    assert await run(job, between(event_line('{"n": 2}')), table) == (0, totals_of(3, inserted=1, skipped=2))


async def run(job: EventJob, content: bytes, table: str = "own") -> tuple[int, Mapping[str, Any]]:
    result = await job.load(content, target_table=table)
    return result.code, totals(result)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        pytest.param(
            {"created_at": "TIMESTAMPTZ(3) NOT NULL"},
            ['column "created_at" is timestamp(3) with time zone: it must be timestamptz with microseconds'],
            id="d1-milliseconds",
        ),
        pytest.param({"created_at": "TIMESTAMPTZ(0)"}, ['"created_at" is timestamp(0)'], id="d1-seconds"),
        pytest.param(
            {"created_at": "TIMESTAMP NOT NULL"},
            ['column "created_at" is timestamp without time zone: it must be timestamptz'],
            id="d2-without-zone",
        ),
        pytest.param({"created_at": "TEXT"}, ['column "created_at" is text'], id="d2-text"),
        pytest.param({"created_at": "DATE"}, ['column "created_at" is date'], id="d2-date"),
        pytest.param(
            {"created_at": "TIMESTAMPTZ GENERATED ALWAYS AS ('2026-01-15 00:00+00'::timestamptz) STORED"},
            ['column "created_at" is generated'],
            id="d2-generated",
        ),
        pytest.param(
            {"id": "UUID DEFAULT gen_random_uuid()"},
            ['column "id" is uuid: it must be bigint or integer'],
            id="d4-uuid",
        ),
        pytest.param({"id": "NUMERIC DEFAULT 1"}, ['column "id" is numeric'], id="d4-numeric"),
        pytest.param({"id": "BIGINT"}, ['column "id" has no default'], id="d4-no-default"),
        pytest.param({"id": "BIGINT DEFAULT 1"}, ['column "id" has the same default'], id="d4-constant"),
        pytest.param({"id": "BIGINT DEFAULT nextval('n')"}, ['column "id" may be NULL'], id="d4-nullable"),
        pytest.param({"payload": "TEXT"}, ['"payload" is text: it must be jsonb'], id="payload-text"),
        pytest.param({"dedup_key": "TEXT UNIQUE"}, ['"dedup_key" is text: it must be bytea'], id="key-text"),
        pytest.param({"event_date": "TIMESTAMPTZ"}, ['"event_date" is timestamp with'], id="date-timestamp"),
        pytest.param({"source": "CHAR(255)"}, ['column "source" is character(255)'], id="padded-text"),
        pytest.param(
            {"source": "VARCHAR(255)[]"}, ['column "source" is character varying(255)[]'], id="array"
        ),
        pytest.param({"extra": "INT NOT NULL"}, ['column "extra" is NOT NULL'], id="wants-a-value"),
        pytest.param(
            {"dedup_key": "BYTEA NOT NULL"},
            ["no unique key on (dedup_key), or on (dedup_key, event_date)"],
            id="no-key",
        ),
        pytest.param(
            {"dedup_key": "BYTEA NOT NULL UNIQUE DEFERRABLE"},
            ["the one on (dedup_key) is deferrable"],
            id="deferrable-key",
        ),
        pytest.param(
            {"id": "UUID", "created_at": "TIMESTAMP", "source": "", "dedup_key": "BYTEA"},
            [
                '"id" is uuid',
                '"created_at" is timestamp',
                '"source" is missing',
                "no unique key",
                "003_create",
            ],
            id="all-at-once",
        ),
    ],
)
async def test_a_table_that_does_not_fit_is_refused_before_reading(
    pg: EventJob, changes: dict[str, str], parts: Sequence[str]
) -> None:
    await pg.db.execute(f"CREATE SEQUENCE n; {ddl(changes)}")
    await assert_refused(pg, *parts)


@pytest.mark.parametrize(
    ("statement", "part"),
    [
        pytest.param(
            BEFORE_TRIGGER.format("RETURN NULL;"), "trigger changer (BEFORE INSERT", id="drops-rows"
        ),
        pytest.param(
            BEFORE_TRIGGER.format("NEW.created_at = now(); RETURN NEW;"), "trigger changer", id="changes-time"
        ),
        pytest.param("CREATE RULE away AS ON INSERT TO own DO INSTEAD NOTHING", "rule away", id="rule"),
        pytest.param("CREATE TABLE child () INHERITS (own)", "tables inherit from it", id="children"),
        pytest.param(
            "DROP INDEX own_key; CREATE UNIQUE INDEX own_key ON own (dedup_key) WHERE source <> ''",
            "the one on (dedup_key) is partial",
            id="partial-key",
        ),
        pytest.param(
            "DROP INDEX own_key; CREATE UNIQUE INDEX own_key ON own (sha256(dedup_key))",
            "no unique key",
            id="key-of-an-expression",
        ),
    ],
)
async def test_what_would_make_the_account_wrong_is_refused_before_reading(
    pg: EventJob, statement: str, part: str
) -> None:
    await pg.db.execute(
        ddl({"dedup_key": "BYTEA NOT NULL"}) + "; CREATE UNIQUE INDEX own_key ON own (dedup_key)"
    )
    await pg.db.execute(statement)
    await assert_refused(pg, part)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"id": "INT GENERATED ALWAYS AS IDENTITY"}, id="identity"),
        pytest.param({"id": "SMALLSERIAL"}, id="smallserial"),
        pytest.param({"created_at": "TIMESTAMPTZ(6)"}, id="d1-six-digits"),
        pytest.param({"event_type": "TEXT", "source": "VARCHAR"}, id="text"),
        pytest.param({"payload": "JSON NOT NULL"}, id="json"),
        pytest.param({"extra": "INT", "more": "INT NOT NULL DEFAULT 1"}, id="more-columns"),
        pytest.param({"size": "INT GENERATED ALWAYS AS (length(source)) STORED"}, id="own-generated-column"),
        pytest.param({"source": "short_text"}, id="domain"),
    ],
)
async def test_a_table_that_fits_in_another_way_loads(pg: EventJob, changes: dict[str, str]) -> None:
    await pg.db.execute("CREATE DOMAIN short_text AS TEXT CHECK (length(VALUE) < 300)")
    await pg.db.execute(ddl(changes))
    await assert_loads(pg)


async def test_an_id_that_has_no_more_numbers_stops_the_run_and_rejects_no_line(pg: EventJob) -> None:
    await pg.db.execute(ddl({"id": "SMALLINT GENERATED ALWAYS AS IDENTITY (MAXVALUE 2)"}))
    with pytest.raises(QueryError, match="reached maximum value of sequence"):
        await pg.load(between(event_line()), target_table="own")
    assert await pg.fs.list("rejected") == []


async def test_a_row_that_another_program_deletes_while_it_is_looked_up_is_inserted(
    job: EventJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is inserted before the rows are sent, and deleted after they were refused for it."""
    job.limits = Limits(longest_pause_seconds=0.001)
    content = between(event_line())
    await job.load(content)
    await job.db.execute("CREATE TABLE others AS SELECT * FROM cleaned_events; DELETE FROM cleaned_events")
    bulk_insert, is_inserted, is_deleted = job.db.bulk_insert, False, False

    async def insert_and_delete(table: str, rows: Sequence[Mapping[str, Any]], **options: Any) -> int:
        nonlocal is_inserted, is_deleted
        if not is_inserted:
            is_inserted = bool(await job.db.execute("INSERT INTO cleaned_events SELECT * FROM others"))
        stored = await bulk_insert(table, rows, **options)
        if stored == 0:
            is_deleted = bool(await job.db.execute("DELETE FROM cleaned_events WHERE event_type = 'case'"))
        return stored

    monkeypatch.setattr(job.db, "bulk_insert", insert_and_delete)
    assert await run(job, content, "cleaned_events") == (0, totals_of(3, inserted=1, skipped=2))
    assert await job.event_types() == ["after", "before", "case"]
    assert is_deleted


async def test_what_a_trigger_does_at_the_check_is_undone(pg: EventJob) -> None:
    await pg.db.execute(ddl())
    await pg.db.execute("CREATE TABLE notes (at TIMESTAMPTZ)")
    await pg.db.execute("""
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN INSERT INTO notes VALUES (now()); RETURN NULL; END $$;
        CREATE TRIGGER noter AFTER INSERT ON own FOR EACH STATEMENT EXECUTE FUNCTION note()
    """)
    assert await target(pg.db).check(is_dry_run=False)
    assert await pg.db.fetch_all("SELECT * FROM notes") == []
    await assert_loads(pg)


async def test_a_trigger_that_only_notes_what_was_inserted_is_not_an_obstacle(pg: EventJob) -> None:
    await pg.db.execute(ddl() + "; CREATE TABLE audit (n BIGINT)")
    await pg.db.execute(AFTER_TRIGGER.format("INSERT INTO audit VALUES (NEW.id);"))
    await assert_loads(pg)
    assert await pg.db.fetch_one("SELECT count(*) AS n FROM audit") == {"n": 5}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(
            "DELETE FROM own WHERE id = NEW.id AND NEW.event_type = 'case';",
            "inserted 3, but the table has 2 rows of this run: the trigger changer (AFTER INSERT) or another",
            id="deletes",
        ),
        pytest.param(
            "IF NEW.event_type = 'case' THEN INSERT INTO own (event_type, payload, source, event_date, "
            "dedup_key, created_at) VALUES ('x', '{}', 's', NEW.event_date, 'x', NEW.created_at); END IF;",
            "inserted 3, but the table has 4 rows of this run: another program has written rows",
            id="writes-with-our-timestamp",
        ),
    ],
)
async def test_totals_that_do_not_add_up_name_the_cause(
    pg: EventJob, body: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons: list[str] = []
    monkeypatch.setattr(
        "platform_memory.MemoryLogger.error",
        lambda _, message, **fields: reasons.append(str(fields.get("reason"))),
    )
    await pg.db.execute(ddl())
    await pg.db.execute(AFTER_TRIGGER.format(body))
    result = await pg.load(between(event_line()), target_table="own")
    assert (result.code, [reason in each for each in reasons]) == (1, [True]), reasons


PARTITIONED = (
    ddl(
        {"id": "BIGSERIAL", "dedup_key": "BYTEA NOT NULL", "": "UNIQUE (dedup_key, event_date)"},
        "PARTITION BY RANGE (event_date)",
    )
    + "; CREATE TABLE own_jan PARTITION OF own FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')"
)


@pytest.mark.parametrize("table", ["own", "own_jan"])
async def test_d3_a_table_partitioned_by_date_loads_with_a_key_of_digest_and_date(
    pg: EventJob, table: str
) -> None:
    await pg.db.execute(PARTITIONED)
    await assert_loads(pg, table)


@pytest.mark.parametrize("table", ["own", "own_jan"])
async def test_d3_a_date_that_no_partition_takes_is_refused_before_reading(pg: EventJob, table: str) -> None:
    await pg.db.execute(PARTITIONED)
    with pytest.raises(QueryError, match="no partition takes rows of 2026-02-01: create it"):
        await target(pg.db, date="2026-02-01", **{"target-table": table}).check(is_dry_run=False)
    if table == "own":
        await pg.db.execute("CREATE TABLE own_rest PARTITION OF own DEFAULT")
        assert await target(pg.db, date="2026-02-01").check(is_dry_run=False)


async def test_d3_in_memory_a_key_of_digest_and_date_loads(job: EventJob) -> None:
    await job.db.execute(ddl({"dedup_key": "BYTEA NOT NULL", "UNIQUE": "(dedup_key, event_date)"}))
    await assert_loads(job)


STAMPS = [
    "infinity",
    "-infinity",
    "9999-12-31 23:59:59.999999+00",
    "2999-01-01 00:00+00",
    "0044-03-15 00:00+00",
]


@pytest.mark.parametrize("stamp", STAMPS, ids=[f"d5-{stamp[:9]}" for stamp in STAMPS])
async def test_rows_with_timestamps_far_away_are_in_no_ones_way(job: EventJob, stamp: str) -> None:
    await job.load(between())
    await job.db.execute(f"UPDATE cleaned_events SET created_at = '{stamp}'")
    await assert_loads_beside(job)


async def assert_loads_beside(job: EventJob) -> None:
    """Assert exact loads where the two neighbours are in the table already, and the rest is new."""
    content = between(event_line(), event_line())
    table = "cleaned_events"
    assert await run(job, content, table) == (0, totals_of(4, inserted=1, skipped=2, duplicates=1))
    assert await run(job, content, table) == (0, totals_of(4, skipped=3, duplicates=1))


@pytest.mark.parametrize(
    "stamp", ["0044-03-15 00:00+00 BC", "290000-01-01 00:00+00"], ids=["d5-bc", "d5-290000"]
)
async def test_timestamps_that_python_has_not_are_in_no_ones_way(pg: EventJob, stamp: str) -> None:
    await pg.load(between())
    await pg.db.execute(f"UPDATE cleaned_events SET created_at = '{stamp}'")
    await assert_loads_beside(pg)


async def test_d5_runs_find_room_between_rows_of_the_future(job: EventJob) -> None:
    await job.load(between())
    await job.db.execute("UPDATE cleaned_events SET created_at = now() + INTERVAL '30 minutes'")
    await job.db.execute(
        "INSERT INTO cleaned_events (event_type, payload, source, event_date, dedup_key, created_at) "
        "VALUES ('x', '{}', 's', '2026-01-15', 'x', now() + INTERVAL '3 hours')"
    )
    await assert_loads_beside(job)
    found = await job.db.fetch_one("SELECT count(*) AS n FROM cleaned_events WHERE created_at > now()")
    assert found == {"n": 4}


async def test_c24_the_table_of_raw_events_is_named_as_what_it_is(job: EventJob) -> None:
    await make_tables(job.db, "002_create_events_table")
    await assert_refused(
        job,
        'column "event_date" is missing: it must be date',
        'column "dedup_key" is missing: it must be bytea',
        "'events' holds the platform's raw events: leave --target-table out",
        table="events",
    )


async def test_c1_a_table_that_does_not_exist_is_not_an_error_to_the_check(job: EventJob) -> None:
    assert not await target(job.db).check(is_dry_run=False)
    assert not await target(job.db, **{"target-table": "no_schema.own"}).check(is_dry_run=False)
    assert await target(job.db, **{"target-table": "cleaned_events"}).check(is_dry_run=False)


async def test_the_lock_is_the_same_however_the_table_is_named(pg: EventJob, postgres_url: str) -> None:
    await pg.db.execute(f"CREATE SCHEMA other; {PARTITIONED}")
    names = [
        await target(pg.db, **{"target-table": name}).find_lock_name()
        for name in ("own", "public.own", "own_jan")
    ]
    async with client(postgres_url, search_path="other,public") as elsewhere:
        names.append(await target(elsewhere).find_lock_name())
        async with pg.db.lock(names[0], timeout=0):
            with pytest.raises(LockTimeoutError):
                await EventJob(elsewhere).load(between(), target_table="own", wait=False)
        await assert_loads(EventJob(elsewhere))
    assert len(set(names)) == 1
    assert names[0] != await target(pg.db, **{"target-table": "cleaned_events"}).find_lock_name()


async def test_rows_that_a_policy_hides_are_refused_before_reading(pg: EventJob, postgres_url: str) -> None:
    await pg.db.execute(ddl() + "; ALTER TABLE own ENABLE ROW LEVEL SECURITY")
    await assert_loads(pg)  # its owner sees all
    role = postgres_url.rsplit("test_", 1)[1].partition("?")[0][:20]
    await pg.db.execute(
        f"CREATE ROLE r{role} LOGIN PASSWORD 'x'; GRANT SELECT, INSERT ON own TO r{role}; "
        f"CREATE POLICY partly ON own FOR SELECT TO r{role} USING (source = 'web')"
    )
    try:
        async with pg.db.transaction():
            await pg.db.execute(f"SET LOCAL ROLE r{role}")
            with pytest.raises(QueryError) as caught:
                await target(pg.db).check(is_dry_run=False)
            assert await target(pg.db, **{"target-table": "cleaned_events"}).check(is_dry_run=True)
    finally:
        await pg.db.execute(f"DROP OWNED BY r{role}; DROP ROLE r{role}")
    assert "row-level security hides rows" in str(caught.value)
    assert "GRANT USAGE ON SEQUENCE own_id_seq" in str(caught.value)


async def count(db: DatabaseInterface, table: str) -> int:
    row = await db.fetch_one(f"SELECT count(*) AS n FROM {table}")
    return int(row["n"]) if row else 0


async def test_d6_a_schema_made_later_gets_no_second_set_of_tables(postgres_url: str) -> None:
    async with client(postgres_url) as db:
        await platform_migrate.up(db)
        await EventJob(db).load(between())
        await db.execute("CREATE SCHEMA app")
    async with client(postgres_url, search_path="app,public") as db:
        assert await platform_migrate.up(db) == platform_migrate.MigrationRun()
        job = EventJob(db)
        assert await run(job, between(), "cleaned_events") == (0, totals_of(2, skipped=2))
        await platform_migrate.down(db)
        with pytest.raises(MigrationRefusedError, match=r"are in schema 'public', but new ones .* to 'app'"):
            await platform_migrate.up(db)
    async with client(postgres_url, search_path="app") as db:
        assert len((await platform_migrate.up(db)).applied) == 5
        assert await count(db, "cleaned_events") == 0


async def test_d6_a_table_that_no_migration_has_made_is_not_hidden_by_a_new_one(
    postgres_url: str,
) -> None:
    async with client(postgres_url) as db:
        await db.execute("CREATE SCHEMA app; " + ddl().replace("TABLE own", "TABLE cleaned_events"))
    async with client(postgres_url, search_path="app,public") as db:
        with pytest.raises(MigrationFailedError, match=r"app\.cleaned_events beside public\.cleaned_events"):
            await platform_migrate.up(db)
        with pytest.raises(DatabaseError):
            await db.execute("SELECT FROM app.cleaned_events")
        await platform_migrate.mark_applied(db, through=4)
        await assert_loads(EventJob(db), "cleaned_events")
        assert await count(db, "public.cleaned_events") == 5


async def test_d7_another_table_named_events_is_kept_after_what_the_message_says(
    database: DatabaseInterface,
) -> None:
    async with database:
        await database.execute("CREATE TABLE events (stream_id UUID, version INT)")
        with pytest.raises(MigrationFailedError) as caught:
            await platform_migrate.up(database)
        assert "'platform migrate mark 002_create_events_table --applied' keeps" in str(caught.value)
        await platform_migrate.mark_applied(database, ["002_create_events_table"])
        await platform_migrate.up(database)
        await assert_loads(EventJob(database), "cleaned_events")
        assert await count(database, "events") == 0


BEHIND = """
    INSERT INTO own (id, event_type, payload, source, event_date, dedup_key, created_at)
    SELECT number, 'old', '{}', 'test', '2026-01-14', number::text::bytea, now()
    FROM generate_series(1, 3000) AS number
"""


@pytest.mark.parametrize(
    ("changes", "after", "parts"),
    [
        pytest.param({}, BEHIND, ["own_pkey", "the value of id", "SELECT setval("], id="sequence-behind"),
        pytest.param(
            {"batch": "INT UNIQUE DEFAULT 1"}, "", ["own_batch_key", "the value of batch"], id="one-default"
        ),
        pytest.param({"created_at": "TIMESTAMPTZ UNIQUE"}, "", ["the value of created_at"], id="one-time"),
    ],
)
async def test_d_a_key_over_columns_that_no_line_has_stops_the_run(
    pg: EventJob, changes: Mapping[str, str], after: str, parts: Sequence[str]
) -> None:
    """Such a refusal is not the line's fault: to reject it would end green without the data."""
    await pg.db.execute(f"{ddl(changes)}; {after}")
    with pytest.raises(QueryError) as caught:
        await run(pg, between(*(event_line(f'{{"n": {number}}}') for number in range(40))))
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)
    assert await pg.fs.list("rejected") == []


async def test_d_a_sequence_is_right_again_after_the_advice_was_followed(pg: EventJob) -> None:
    await pg.db.execute(f"{ddl()}; {BEHIND}")
    with pytest.raises(QueryError) as caught:
        await run(pg, between(*(event_line(f'{{"n": {number}}}') for number in range(40))))
    advice = str(caught.value).partition("SELECT")[2].partition(";")[0]
    await pg.db.execute(f"SELECT{advice}")
    await assert_loads(pg)


async def test_d3_a_partition_that_is_missing_for_some_rows_stops_the_run(pg: EventJob) -> None:
    await pg.db.execute(
        ddl({"id": "BIGINT GENERATED ALWAYS AS IDENTITY"}, "PARTITION BY HASH (dedup_key)")
        + "; CREATE TABLE half PARTITION OF own FOR VALUES WITH (MODULUS 2, REMAINDER 0)"
    )
    with pytest.raises(QueryError, match='no partition of relation "own" found'):
        await run(pg, between(*(event_line(f'{{"n": {number}}}') for number in range(40))))


async def test_d_a_sequence_at_its_end_is_named(pg: EventJob) -> None:
    await pg.db.execute(f"{ddl()}; ALTER SEQUENCE own_id_seq MAXVALUE 2")
    with pytest.raises(QueryError, match='maximum value of sequence "own_id_seq"'):
        await run(pg, between(event_line()))
