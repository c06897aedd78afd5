from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from platform_interfaces import ConstraintError, DataError, QueryError
from platform_memory import MemoryDatabase


@pytest_asyncio.fixture
async def db() -> AsyncIterator[MemoryDatabase]:
    async with MemoryDatabase() as database:
        yield database


async def value(db: MemoryDatabase, expression: str, *params: object) -> object:
    row = await db.fetch_one(f"SELECT {expression} AS value", params)
    assert row is not None
    return row["value"]


# --- tables ---


async def test_the_tables_of_the_platform_can_be_made_and_dropped(db: MemoryDatabase) -> None:
    for _ in range(2):
        await db.execute("""
            CREATE TABLE IF NOT EXISTS _migrations (
                id SERIAL PRIMARY KEY,
                name VARCHAR(255) NOT NULL UNIQUE,
                applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
            )
        """)
        await db.execute("""
            CREATE TABLE IF NOT EXISTS events (
                id BIGSERIAL PRIMARY KEY,
                event_type VARCHAR(255) NOT NULL,
                payload JSONB NOT NULL,
                source VARCHAR(255),
                created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
                processed_at TIMESTAMPTZ
            )
        """)
        await db.execute("CREATE INDEX IF NOT EXISTS idx_events_type ON events (event_type)")
        await db.execute("CREATE INDEX IF NOT EXISTS idx_events_created ON events (created_at)")
        await db.execute("""
            CREATE TABLE cleaned_events (
                id BIGSERIAL PRIMARY KEY,
                event_type VARCHAR(255) NOT NULL,
                payload JSONB NOT NULL,
                source VARCHAR(255) NOT NULL,
                event_date DATE NOT NULL,
                created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
                CONSTRAINT once UNIQUE (event_type, payload, event_date)
            );
            CREATE INDEX idx_cleaned_events_date ON cleaned_events (event_date);
            CREATE INDEX idx_cleaned_events_type ON cleaned_events (event_type, event_date);
        """)
        await db.execute(
            "INSERT INTO cleaned_events (event_type, payload, source, event_date) VALUES ($1, $2, $3, $4)",
            ["click", {"b": 1, "a": 2}, "web", date(2026, 1, 15)],
        )
        again = {"event_type": "click", "payload": {"a": 2, "b": 1}, "event_date": date(2026, 1, 15)}
        assert (
            await db.bulk_insert(
                "cleaned_events",
                [again | {"source": "app"}],
                skip_conflicts_on=["event_type", "payload", "event_date"],
            )
            == 0
        )
        await db.execute("DROP TABLE IF EXISTS cleaned_events CASCADE")
        await db.execute("DROP TABLE IF EXISTS events CASCADE")


async def test_a_table_made_again_counts_from_one(db: MemoryDatabase) -> None:
    for _ in range(2):
        await db.execute("CREATE TABLE t (id SERIAL PRIMARY KEY, name TEXT)")
        assert await db.fetch_one("INSERT INTO t (name) VALUES ('a') RETURNING id") == {"id": 1}
        await db.execute("DROP TABLE t")


async def test_creating_a_table_that_exists_leaves_its_ids_alone(db: MemoryDatabase) -> None:
    for number in (1, 2):
        await db.execute("CREATE TABLE IF NOT EXISTS t (id SERIAL PRIMARY KEY, name TEXT)")
        assert await db.fetch_one("INSERT INTO t (name) VALUES ('a') RETURNING id") == {"id": number}


async def test_serial_is_a_type_only_where_a_type_stands(db: MemoryDatabase) -> None:
    await db.execute("""
        CREATE TABLE t (
            serial SMALLSERIAL, -- serial bigserial
            "big id" /* ( x serial */ BIGSERIAL,
            note TEXT DEFAULT '(a serial, b varchar(1))'
        )
    """)
    await db.execute("ALTER TABLE t ADD COLUMN bigserial TEXT")
    assert await db.fetch_one("INSERT INTO t (bigserial) VALUES ('x') RETURNING *") == {
        "serial": 1,
        "big id": 1,
        "note": "(a serial, b varchar(1))",
        "bigserial": "x",
    }


async def test_text_longer_than_its_column_is_refused(db: MemoryDatabase) -> None:
    await db.execute('CREATE TABLE t ("a b" VARCHAR(3) NOT NULL, c CHARACTER VARYING (2), d VARCHAR(1)[])')
    await db.execute("INSERT INTO t VALUES ('😀😀😀', NULL, NULL)")
    with pytest.raises(DataError):
        await db.execute("INSERT INTO t VALUES ('four', NULL, NULL)")
    with pytest.raises(DataError):
        await db.execute("INSERT INTO t VALUES ($1, $2, NULL)", ["x", "three"])


async def test_a_column_with_a_length_can_be_dropped_and_added(db: MemoryDatabase) -> None:
    await db.execute("CREATE TABLE t (a INT, b VARCHAR(3))")
    await db.execute("ALTER TABLE t DROP COLUMN b")
    await db.execute("ALTER TABLE t ADD COLUMN IF NOT EXISTS b VARCHAR(3)")
    await db.execute("ALTER TABLE t ADD COLUMN id BIGSERIAL")
    assert await db.fetch_one("INSERT INTO t (b) VALUES ('x') RETURNING b, id") == {"b": "x", "id": 1}


# --- expressions ---


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / 2.0::float8", 3.5),
        ("1.23456789::numeric", Decimal("1.23456789")),
        ("CAST('0.1' AS decimal) + '0.2'::NUMERIC", Decimal("0.3")),
        ("'1.25'::numeric(5, 1)", Decimal("1.3")),
        ("NOW() = CURRENT_TIMESTAMP", True),
        ("'2026-01-15 12:00+05:30'::timestamptz", datetime(2026, 1, 15, 6, 30, tzinfo=UTC)),
        ("'2026-01-15 12:00'::timestamptz", datetime(2026, 1, 15, 12, 0, tzinfo=UTC)),
        ("E'it\\'s -> ' || $$ -> $$", "it's ->  -> "),
        ("(SELECT array_agg(n ORDER BY n DESC) FROM (VALUES (1), (NULL), (2)) AS v (n))", [None, 2, 1]),
    ],
)
async def test_expressions_mean_what_they_mean_in_postgresql(
    db: MemoryDatabase, expression: str, expected: object
) -> None:
    assert await value(db, expression) == expected


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("COUNT(*)", "count"),
        ("MAX(n)", "max"),
        ("md5('a')", "md5"),
        ("COALESCE(NULL, 1)", "coalesce"),
        ("NULLIF(1, 2)", "nullif"),
        ("EXISTS (SELECT 1)", "exists"),
        ("n::text", "n"),
        ("1 AS One", "one"),
        ('1 AS "Two"', "Two"),
        ("NOW()", "now"),
    ],
)
async def test_columns_have_the_names_that_postgresql_gives(
    db: MemoryDatabase, expression: str, name: str
) -> None:
    row = await db.fetch_one(f"SELECT {expression} FROM (SELECT 1 AS n) AS t GROUP BY n")
    assert list(row or ()) == [name]


async def test_a_list_is_an_array_where_one_is_asked_for(db: MemoryDatabase) -> None:
    assert await value(db, "2 = ANY($1)", [1, 2]) is True
    assert await value(db, "$1::text[]", ["a", "b"]) == ["a", "b"]
    assert await value(db, "$1::jsonb", ["a", "b"]) == ["a", "b"]
    assert await db.fetch_all("SELECT unnest($1::int[]) AS n", [[1, 2]]) == [{"n": 1}, {"n": 2}]
    await db.execute("CREATE TABLE t (tags TEXT[])")
    await db.bulk_insert("t", [{"tags": ["a", "b c"]}, {"tags": None}, {"tags": []}])
    assert await db.fetch_all("SELECT tags FROM t") == [{"tags": ["a", "b c"]}, {"tags": None}, {"tags": []}]


@pytest.mark.parametrize(
    "number", [10**37, -(10**38), Decimal("12345678901234567890123456789012345678.9"), Decimal("1E-40")]
)
async def test_a_number_is_never_rounded_to_floating_point(db: MemoryDatabase, number: int | Decimal) -> None:
    assert Decimal(str(await value(db, "$1", number))) == number


async def test_what_is_not_a_number_of_a_column_is_refused(db: MemoryDatabase) -> None:
    await db.execute("CREATE TABLE t (n NUMERIC(6, 2), i INTEGER)")
    for row in ({"n": Decimal("NaN")}, {"n": Decimal(10000)}, {"i": 2**31}, {"i": 2**200}):
        with pytest.raises(DataError):
            await db.bulk_insert("t", [row])
        with pytest.raises(DataError):
            await db.execute("INSERT INTO t (n, i) VALUES ($1, $2)", [row.get("n"), row.get("i")])


# --- errors ---


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("SELECT $1", []),
        ("SELECT $1", [1, 2]),
        ("SELECT 1", [1]),
        ("SELECT ?", [1]),
        ("SELECT 1; SELECT $1", [1]),
    ],
)
async def test_values_must_be_as_many_as_placeholders(
    db: MemoryDatabase, query: str, params: list[object]
) -> None:
    with pytest.raises(QueryError, match="placeholders"):
        await db.fetch_all(query, params)


@pytest.mark.parametrize("bad", ["NUL \0", "surrogate \ud800", object(), {1, 2}])
async def test_what_cannot_be_stored_is_a_data_error(db: MemoryDatabase, bad: object) -> None:
    await db.execute("CREATE TABLE t (name TEXT)")
    with pytest.raises(DataError):
        await db.execute("INSERT INTO t VALUES ($1)", [bad])
    with pytest.raises(DataError):
        await db.bulk_insert("t", [{"name": bad}])


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("INSERT INTO t VALUES (1, $1)", ConstraintError),
        ("INSERT INTO t VALUES (2, $1)", ConstraintError),
        ("INSERT INTO t VALUES ($1, 'x')", DataError),
        ("SELECT $1::date", DataError),
        ("SELECT ($1 || '{')::jsonb", DataError),
    ],
)
async def test_a_message_is_one_line_without_the_values(
    db: MemoryDatabase, query: str, error: type[DataError]
) -> None:
    await db.execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT UNIQUE)")
    canary = 'canary "\'\ncanary"\n\ncanary'
    await db.execute("INSERT INTO t VALUES (1, $1)", [canary])
    with pytest.raises(error) as caught:
        await db.execute(query, [canary])
    for text in (str(caught.value), str(caught.value.__cause__)):
        assert "canary" not in text
        assert "\n" not in text


async def test_nothing_is_a_statement_that_does_nothing(db: MemoryDatabase) -> None:
    assert await db.execute("") == 0
    assert await db.execute("  -- only a comment\n;") == 0
    assert await db.fetch_one("") is None


async def test_only_what_returns_rows_can_be_streamed(db: MemoryDatabase) -> None:
    await db.execute("CREATE TABLE t (id INT)")
    for query in ("INSERT INTO t VALUES (1)", "SELECT 1; SELECT 2", ""):
        with pytest.raises(QueryError, match="cannot stream"):
            await anext(db.stream(query))
    assert await db.fetch_all("SELECT * FROM t") == []


async def test_a_statement_that_returns_nothing_has_no_rows(db: MemoryDatabase) -> None:
    await db.execute("CREATE TABLE t (id INT)")
    assert await db.fetch_all("INSERT INTO t VALUES (1)") == []
    assert await db.fetch_one("UPDATE t SET id = 2") is None
    assert await db.fetch_all("DELETE FROM t RETURNING id") == [{"id": 2}]


# --- bulk_insert ---


async def test_a_hundred_thousand_rows_go_in_at_once(db: MemoryDatabase) -> None:
    await db.execute(
        "CREATE TABLE t (id BIGSERIAL PRIMARY KEY, key BYTEA UNIQUE, payload JSONB, price NUMERIC(9, 2))"
    )
    rows: list[dict[str, Any]] = [
        {"key": number.to_bytes(32), "payload": {"n": number}, "price": Decimal(number) / 100}
        for number in range(100_000)
    ]
    assert await db.bulk_insert("t", rows, skip_conflicts_on=["key"]) == 100_000
    assert await db.bulk_insert("t", rows, skip_conflicts_on=["key"]) == 0
    assert await db.fetch_one(
        "SELECT COUNT(*), SUM(price) FROM t WHERE price = (payload->>'n')::int * 0.01"
    ) == {
        "count": 100_000,
        "sum": Decimal("49999500.00"),
    }


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        ("INTEGER", "1"),
        ("INTEGER", 1.5),
        ("TEXT", 1),
        ("BOOLEAN", 1),
        ("DATE", "2026-01-15"),
        ("TIMESTAMPTZ", "2026-01-15T00:00:00Z"),
        ("BYTEA", "text"),
        ("DOUBLE PRECISION", "1.5"),
    ],
)
async def test_bulk_insert_converts_no_types_as_postgresql_would_not(
    db: MemoryDatabase, kind: str, bad: object
) -> None:
    await db.execute(f"CREATE TABLE t (a INT, value {kind})")
    with pytest.raises(DataError, match="'value'"):
        await db.bulk_insert("t", [{"a": 1, "value": None}, {"a": 1, "value": bad}])
    assert await db.fetch_all("SELECT * FROM t") == []


async def test_numbers_of_several_types_keep_their_digits(db: MemoryDatabase) -> None:
    await db.execute("CREATE TABLE t (price NUMERIC(30, 4))")
    prices = [2**60 + 1, 0.5, Decimal("12345678901234567890.1234"), None]
    await db.bulk_insert("t", [{"price": price} for price in prices])
    assert [row["price"] for row in await db.fetch_all("SELECT price FROM t")] == prices
