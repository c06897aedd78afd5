"""Values of types that only PostgreSQL has, and what a session leaves to the next user."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from platform_interfaces import ConstraintError, DatabaseError, DataError, QueryError
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase

TYPES = """
    CREATE TYPE colour AS ENUM ('red', 'green');
    CREATE DOMAIN count AS INT CHECK (value > 0);
    CREATE DOMAIN day AS DATE;
    CREATE TYPE part AS (n INT, price NUMERIC, day DATE);
    CREATE TYPE whole AS (part part, days DATE[]);
    CREATE TYPE ci;
    CREATE FUNCTION ci_in(cstring) RETURNS ci AS 'textin' LANGUAGE internal IMMUTABLE STRICT;
    CREATE FUNCTION ci_out(ci) RETURNS cstring AS 'textout' LANGUAGE internal IMMUTABLE STRICT;
    CREATE TYPE ci (INPUT = ci_in, OUTPUT = ci_out, LIKE = text); -- a type as citext is one
"""
MANY = 1_000  # rows; more than are encoded at a time
LAST = datetime.max.replace(tzinfo=UTC)


@pytest.fixture
async def db(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    secrets = MemorySecrets({"DB_POSTGRES_URL": postgres_url, "DB_POSTGRES_POOL_MAX": "1"})
    async with PostgresDatabase(secrets) as database:
        await database.execute(TYPES)
        yield database


async def insert_every_way(db: PostgresDatabase, kind: str, value: Any) -> list[str | None]:
    """Return the text of what each way has stored, or None where it raised DataError."""
    await db.execute(f"CREATE TABLE one (k INT PRIMARY KEY, v {kind})")
    await db.execute("CREATE VIEW seen AS SELECT * FROM one")
    row = {"k": 1, "v": value}
    many = [{"k": k, "v": value} for k in range(1, MANY + 1)]
    stored: list[str | None] = []
    for call in (
        lambda: db.execute("INSERT INTO one VALUES ($1, $2)", [1, value]),
        lambda: db.fetch_all("INSERT INTO one VALUES ($1, $2) RETURNING k", [1, value]),
        lambda: db.bulk_insert("one", [row]),
        lambda: db.bulk_insert("one", many),
        lambda: db.bulk_insert("one", [row], skip_conflicts_on=["k"]),
        lambda: db.bulk_insert("one", many, skip_conflicts_on=["k"]),
        lambda: db.bulk_insert("seen", [row]),
    ):
        try:
            await call()
        except DataError:
            stored.append(None)
        found = await db.fetch_all("SELECT DISTINCT v::text AS v FROM one")
        stored += [each["v"] for each in found]
        await db.execute("DELETE FROM one")
    await db.execute("DROP VIEW seen; DROP TABLE one")
    return stored


ENDS_OF_THE_CALENDAR: list[tuple[str, Any, str]] = [
    ("DATE", date.max, "9999-12-31"),
    ("DATE", date.min, "0001-01-01"),
    ("DATE[]", [date.max, None], "{9999-12-31,NULL}"),
    ("DATERANGE", asyncpg.Range(date.min, date.max), "[0001-01-01,9999-12-31)"),
    ("DATEMULTIRANGE", [asyncpg.Range(date.max, None)], "{[9999-12-31,)}"),
    ("day", date.max, "9999-12-31"),
    ("part", (1, Decimal("1.50"), date.max), "(1,1.50,9999-12-31)"),
    ("part[]", [{"day": date.max}], '{"(,,9999-12-31)"}'),
    ("whole", ((1, None, date.min), [date.max]), '("(1,,0001-01-01)",{9999-12-31})'),
    ("TIMESTAMPTZ", LAST, "9999-12-31 23:59:59.999999+00"),
    ("TIMESTAMPTZ[]", [LAST], '{"9999-12-31 23:59:59.999999+00"}'),
    ("TIMESTAMP", datetime.min, "0001-01-01 00:00:00"),  # noqa: DTZ901
    ("TSRANGE", asyncpg.Range(None, datetime.max), '(,"9999-12-31 23:59:59.999999")'),  # noqa: DTZ901
]


async def test_f3_the_ends_of_the_calendar_are_stored_as_they_are(db: PostgresDatabase) -> None:
    for kind, value, text in ENDS_OF_THE_CALENDAR:
        assert set(await insert_every_way(db, kind, value)) == {text}, kind


async def test_f3_the_last_day_is_found_and_read_as_itself(db: PostgresDatabase) -> None:
    await db.execute("CREATE TABLE one (valid_to DATE)")
    await db.bulk_insert("one", [{"valid_to": date.max}])
    found = await db.fetch_all("SELECT valid_to FROM one WHERE valid_to = '9999-12-31'")
    assert found == await db.fetch_all("SELECT valid_to FROM one WHERE valid_to = $1", [date.max])
    assert found == [{"valid_to": date.max}]


NOT_IN_PYTHON = [
    "'infinity'::date",
    "'-infinity'::date",
    "'infinity'::timestamp",
    "'-infinity'::timestamptz",
    "ARRAY['infinity'::timestamptz]",
    "ROW('-infinity'::date)",
    "daterange(NULL, 'infinity')",
    "'0044-03-15 BC'::date",
    "'10000-01-01'::timestamp",
    "'24:00'::time",
    "'24:00+01'::timetz",
    "'1 month'::interval",
]


async def test_f3_a_time_that_python_cannot_hold_is_a_data_error(db: PostgresDatabase) -> None:
    for value in NOT_IN_PYTHON:
        with pytest.raises(DataError, match="from the database"):
            await db.fetch_one(f"SELECT {value} AS value")
        with pytest.raises(DataError, match="from the database"):
            await anext(db.stream(f"SELECT {value} AS value"))
        assert await db.fetch_one(f"SELECT {value}::text IS NULL AS value") == {"value": False}


async def test_f3_the_message_names_the_infinity(db: PostgresDatabase) -> None:
    with pytest.raises(DataError, match=r"a DATE from the database is '-infinity'.*read it as text"):
        await db.fetch_one("SELECT '-infinity'::date AS value")


TOO_LARGE = Decimal("1E+131072")


CHANGED_BY_THE_DRIVER: list[tuple[str, Any]] = [
    ("NUMERIC", TOO_LARGE),
    ("NUMERIC", Decimal("1E-16384")),
    ("NUMERIC", Decimal("sNaN")),
    ("NUMERIC", "5"),
    ("NUMERIC[]", [TOO_LARGE]),
    ("NUMRANGE", asyncpg.Range(TOO_LARGE, None)),
    ("part", (1, TOO_LARGE, None)),
    ("REAL", 1e-300),
    ("REAL[]", [1e-300]),
    ("FLOAT", Decimal("1E+400")),
    ("FLOAT", Decimal("1E-400")),
    ("count", 1.9),
    ("count[]", [1.9]),
    ("part", (1.9, None, None)),
    ("part", {"n": 1.9}),
    ("part[]", [(1.9, None, None)]),
    ("whole", ((1.9, None, None), None)),
    ("INT4RANGE", asyncpg.Range(1.5, 3)),
    ("INT8MULTIRANGE", [asyncpg.Range(1.5, 3)]),
    ("OID", 1.5),
    ("INT[]", [[], []]),
    ("DATE", datetime(2026, 1, 15, 12, tzinfo=UTC)),
    ("TIME", datetime(2026, 1, 15, 12, tzinfo=UTC)),
    ("TIME", time(1, tzinfo=UTC)),
    ("TIMETZ", time(1)),
    ("TSTZRANGE", asyncpg.Range(datetime(2026, 1, 15), None)),  # noqa: DTZ001
]


async def test_f4_a_value_that_would_be_changed_is_refused_every_way(db: PostgresDatabase) -> None:
    stored = [(kind, value, await insert_every_way(db, kind, value)) for kind, value in CHANGED_BY_THE_DRIVER]
    assert [case for case in stored if set(case[2]) != {None}] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("NaN"), "NaN"),
        (Decimal("-Infinity"), "-Infinity"),
        (Decimal("0E+200000"), "0"),
        (Decimal("1234500.0600"), "1234500.0600"),
        (Decimal("0.00"), "0.00"),
        (10**50, "1" + "0" * 50),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_f4_a_number_is_stored_with_its_digits_and_read_back(
    db: PostgresDatabase, value: Decimal, text: str
) -> None:
    assert set(await insert_every_way(db, "NUMERIC", value)) == {text}
    row = await db.fetch_one("SELECT $1::numeric AS v", [value])
    assert f"{row['v']:f}" == text if row else False


async def test_f4_the_numbers_with_the_most_digits_are_stored(db: PostgresDatabase) -> None:
    await db.execute("CREATE TABLE one (v NUMERIC)")
    for value in (Decimal("1E+131071"), Decimal("-1E-16383")):
        await db.execute("INSERT INTO one VALUES ($1)", [value])
        await db.bulk_insert("one", [{"v": value}])
        assert await db.fetch_all("SELECT v FROM one") == [{"v": value}] * 2
        await db.execute("DELETE FROM one")


async def test_a_time_keeps_the_seconds_of_its_offset(db: PostgresDatabase) -> None:
    value = time(1, 2, 3, 4, timezone(timedelta(hours=-5, seconds=-15)))
    assert await db.fetch_one("SELECT $1::timetz AS v", [value]) == {"v": value}


@pytest.mark.parametrize(
    ("statement", "query"),
    [
        ("CREATE TEMP TABLE items (name TEXT)", "SELECT 1 AS x FROM pg_class WHERE relpersistence = 't'"),
        ("CREATE TEMP VIEW items AS SELECT 1", "SELECT 1 AS x FROM pg_class WHERE relpersistence = 't'"),
        ("PREPARE mine AS SELECT 1", "SELECT 1 AS x FROM pg_prepared_statements WHERE name = 'mine'"),
        ("LISTEN mine", "SELECT 1 AS x FROM pg_listening_channels()"),
        ("SELECT pg_advisory_lock(1)", "SELECT 1 AS x FROM pg_locks WHERE locktype = 'advisory'"),
        (
            "DECLARE mine CURSOR WITH HOLD FOR SELECT 1",
            "SELECT 1 AS x FROM pg_cursors WHERE name = 'mine'",
        ),
        ("SET statement_timeout = '1h'", "SELECT 1 AS x WHERE current_setting('statement_timeout') = '1h'"),
    ],
)
async def test_f6_a_session_is_clean_for_its_next_user(
    db: PostgresDatabase, statement: str, query: str
) -> None:
    await db.execute("CREATE TABLE items (name TEXT)")
    await db.execute(statement)
    assert await db.fetch_all(query) == []
    async with db.transaction():
        await db.execute(statement)
    assert await db.fetch_all(query) == []
    assert await db.bulk_insert("items", [{"name": "a"}]) == 1
    assert await db.fetch_all("SELECT name FROM public.items") == [{"name": "a"}]


async def test_f6_the_last_value_of_a_sequence_does_not_reach_the_next_user(db: PostgresDatabase) -> None:
    await db.execute("CREATE SEQUENCE numbers")
    await db.fetch_one("SELECT nextval('numbers')")
    with pytest.raises(DatabaseError, match="not yet defined"):
        await db.fetch_one("SELECT lastval()")


WITHOUT_BINARY = {
    "colour": "red",
    "colour[]": ["red", None],
    "part": (1, Decimal("1.5"), None),
    "count": 3,
    "TSVECTOR": "'a' 'b'",
    "TSVECTOR[]": ["'a'", "'b'"],
    "MONEY": "$1.50",
    "REGCLASS": "pg_class",
    "ci": "a",
    "INT4RANGE": asyncpg.Range(1, 3),
    "BIT(3)": asyncpg.BitString.from_int(5, 3),
    "MACADDR": "08:00:2b:01:02:03",
    "INET": "10.0.0.1",
}


@pytest.mark.parametrize("kind", WITHOUT_BINARY)
async def test_f7_every_type_can_be_inserted_with_a_key_and_without(db: PostgresDatabase, kind: str) -> None:
    assert set(await insert_every_way(db, kind, WITHOUT_BINARY[kind])) != {None}
    await db.execute(f"CREATE TABLE one (k INT PRIMARY KEY, v {kind})")
    rows = [{"k": k, "v": WITHOUT_BINARY[kind]} for k in range(MANY)]
    assert await db.bulk_insert("one", rows[:3], skip_conflicts_on=["k"]) == 3
    assert await db.bulk_insert("one", rows, skip_conflicts_on=["k"]) == MANY - 3
    with pytest.raises(ConstraintError):
        await db.bulk_insert("one", rows)
    assert await db.execute("SELECT k FROM one") == MANY


async def test_f7_a_key_without_a_binary_format_is_compared(db: PostgresDatabase) -> None:
    await db.execute("CREATE TABLE one (words TSVECTOR UNIQUE, colour colour)")
    rows = [{"words": words, "colour": "red"} for words in ("'b'", "'a'", "'b'")]
    async with db.transaction():
        await db.execute("INSERT INTO one VALUES ('''c''', 'green')")
        assert await db.bulk_insert("one", rows, skip_conflicts_on=["words"]) == 2
        assert await db.bulk_insert("one", rows, skip_conflicts_on=["words"]) == 0
    assert await db.execute("SELECT * FROM one") == 3


async def test_f7_citext_where_the_server_has_it(db: PostgresDatabase) -> None:
    if not await db.fetch_one("SELECT name FROM pg_available_extensions WHERE name = 'citext'"):
        pytest.skip("the server has no extension citext")
    await db.execute("CREATE EXTENSION citext")
    await db.execute("CREATE TABLE one (name CITEXT UNIQUE)")
    assert await db.bulk_insert("one", [{"name": "a"}, {"name": "A"}], skip_conflicts_on=["name"]) == 1


async def test_f10_a_statement_with_two_equal_names_is_not_run(db: PostgresDatabase) -> None:
    await db.execute("CREATE TABLE one (id INT)")
    with pytest.raises(QueryError, match="'id'"):
        await db.fetch_all("INSERT INTO one VALUES (1) RETURNING id, id")
    assert await db.fetch_all("SELECT id FROM one") == []
