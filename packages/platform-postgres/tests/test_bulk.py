"""Rows of a bulk insert are stored as the driver stores them one by one, whichever way they go in."""

from __future__ import annotations

import asyncio
import enum
import logging
import traceback
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from platform_interfaces import DataError, QueryError
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres._bulk.encode import ENCODERS, encode_copies
from platform_postgres._bulk.plan import _DRIVER_TYPES

MANY = 1_000  # more than two blocks
VALUES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "bytea": [b"", b"\0\xff", b"x" * 70_000],
    "bigint": [0, -1, 2**63 - 1, -(2**63)],
    "smallint": [0, -1, 2**15 - 1, -(2**15)],
    "integer": [0, -1, 2**31 - 1, -(2**31)],
    "text": ["", "a", "\U0001f600\n\\N", "é" * 70_000],
    "varchar(9)": ["", "a", "é" * 9],
    "json": [{}, [1, "é"], "text", 1.5, Decimal("1.50"), b'{"a": 1}', True],
    "jsonb": [{}, [1, "é"], "text", 1.5, Decimal("1.50"), b'{"a": 1}', True],
    "real": [0.0, -0.0, 1.5, 3, float("inf"), float("nan")],
    "double precision": [0.0, -0.0, 5e-324, 1.7e308, 3, float("-inf"), float("nan")],
    "date": [date(2000, 1, 1), date.min, date.max, date(1999, 12, 31)],
    "timestamptz": [
        datetime(2000, 1, 1, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime(2026, 1, 15, 12, 0, 0, 1, timezone(timedelta(hours=-11, minutes=-30))),
    ],
    "numeric": [Decimal("1.50"), Decimal("-0.0001"), 10**40, Decimal("1E+131071"), Decimal("1E-16383"), 0],
    "uuid": [UUID(int=0), UUID(int=2**128 - 1)],
}


class Colour(enum.StrEnum):
    RED = "red"


@pytest.fixture
async def db(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": postgres_url})) as database:
        yield database


@pytest.mark.parametrize("kind", VALUES)
async def test_many_values_are_stored_as_the_driver_stores_one(
    db: PostgresDatabase, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "platform_postgres")
    await db.execute(f"CREATE TABLE one (id BIGINT, value {kind})")
    few = [{"id": number, "value": value} for number, value in enumerate([*VALUES[kind], None])]
    for row in few:
        await db.execute("INSERT INTO one VALUES ($1, $2)", list(row.values()))
    times = MANY // len(few) + 1
    without_null, with_null = few[:-1] * times, few * times
    for rows in (without_null, with_null):
        assert await db.bulk_insert("one", rows) == len(rows)
    found = await db.fetch_all("SELECT id, value::text, COUNT(*) AS n FROM one GROUP BY 1, 2 ORDER BY id")
    assert [row["n"] for row in found] == [1 + 2 * times] * len(VALUES[kind]) + [1 + times]
    assert not caplog.messages, "the driver encodes some of them"


@pytest.mark.parametrize(
    ("kind", "usual", "other"),
    [
        ("double precision", 1.5, Decimal("1.5")),
        ("integer", 1, True),
        ("text", "red", Colour.RED),
        ("bytea", b"ab", memoryview(b"ab")),
        ("bytea", b"ab\0\0", memoryview(b"ab\0\0").cast("h")),
        ("uuid", UUID(int=1), str(UUID(int=1))),
        ("numeric", Decimal("1.5"), 1.5),
        ("interval", timedelta(1), timedelta(hours=24)),
        ("text[]", ["a"], ("a",)),
    ],
    ids=["decimal", "bool", "enum", "view", "view of wide items", "text", "float", "no encoder", "array"],
)
async def test_a_late_value_of_another_kind_is_left_to_the_driver(
    db: PostgresDatabase, kind: str, usual: object, other: object
) -> None:
    await db.execute(f"CREATE TABLE one (value {kind})")
    await db.execute("CREATE TABLE two (value INT)")
    async with db.transaction():
        await db.execute("INSERT INTO two VALUES (1)")
        assert await db.bulk_insert("one", [*[{"value": usual}] * MANY, {"value": other}]) == MANY + 1
        await db.execute("INSERT INTO two VALUES (2)")
    assert await db.execute("SELECT * FROM two") == 2
    assert await db.fetch_all("SELECT value, COUNT(*) AS n FROM one GROUP BY value") == [
        {"value": usual, "n": MANY + 1}
    ]


@pytest.mark.parametrize(
    ("kind", "usual", "bad"),
    [
        ("integer", 1, 1.0),
        ("integer", 1, 2**31),
        ("bigint", 1, Decimal(1)),
        ("boolean", True, 1),
        ("text", "canary", 1),
        ("text", "canary", "canary\0"),
        ("text", "canary", "canary\ud800"),
        ("varchar(9)", "canary", "canary, long"),
        ("bytea", b"canary", "canary"),
        ("json", {}, b"canary"),
        ("jsonb", {}, {"canary": float("nan")}),
        ("real", 1.5, 1e300),
        ("real", 1.5, 1e-300),
        ("numeric", Decimal(1), Decimal("1E+131072")),
        ("date", date(2026, 1, 15), "canary"),
        ("uuid", UUID(int=1), "canary"),
    ],
    ids=repr,
)
async def test_a_late_value_that_does_not_fit_is_a_data_error_and_none_is_kept(
    db: PostgresDatabase, kind: str, usual: object, bad: object
) -> None:
    await db.execute(f"CREATE TABLE one (value {kind})")
    for skip in ([], ["value"]) if kind != "json" else ([],):
        with pytest.raises(DataError) as caught:
            await db.bulk_insert("one", [*[{"value": usual}] * MANY, {"value": bad}], skip_conflicts_on=skip)
        assert "canary" not in "".join(traceback.format_exception(caught.value, limit=0))
    assert await db.fetch_all("SELECT * FROM one") == []


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("INT", 2**31, "a value is out of the range of its type"),
        ("BIGINT", -(2**63) - 1, "a value is out of the range of its type"),
        ("REAL", 1e39, "a value is out of the range of its type"),
        ("REAL", 1e-300, "a number is too small for REAL"),
    ],
)
async def test_a_number_out_of_range_is_called_so(
    db: PostgresDatabase, kind: str, value: float, message: str
) -> None:
    await db.execute(f"CREATE TABLE one (value {kind})")
    with pytest.raises(DataError, match=f"^{message}$"):
        await db.bulk_insert("one", [{"value": value}])


@pytest.mark.parametrize("other", [{"a": 1}, {"a": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}], ids=repr)
async def test_a_late_row_of_other_columns_is_named_and_none_is_kept(
    db: PostgresDatabase, other: dict[str, int]
) -> None:
    await db.execute("CREATE TABLE one (a INT, b INT, c INT)")
    with pytest.raises(ValueError, match=f"row {MANY} "):
        await db.bulk_insert("one", [*[{"a": 1, "b": 1}] * MANY, other])
    assert await db.fetch_all("SELECT * FROM one") == []


async def test_a_late_row_that_makes_up_its_columns_is_refused(db: PostgresDatabase) -> None:
    await db.execute("CREATE TABLE one (a INT, b INT)")
    with pytest.raises(ValueError, match=f"row {MANY} "):
        await db.bulk_insert("one", [*[{"a": 1, "b": 1}] * MANY, defaultdict(int, {"a": 1, "c": 7})])
    assert await db.fetch_all("SELECT * FROM one") == []


@pytest.mark.parametrize("value", [datetime.max, datetime.min], ids=["last", "first"])  # noqa: DTZ901
async def test_the_ends_of_the_calendar_are_stored_as_few_are(db: PostgresDatabase, value: datetime) -> None:
    await db.execute("CREATE TABLE one (value TIMESTAMPTZ)")
    row = {"value": value.replace(tzinfo=UTC)}
    await db.bulk_insert("one", [row])
    await db.bulk_insert("one", [row] * MANY)
    assert await db.execute("SELECT DISTINCT value FROM one") == 1


@pytest.mark.parametrize("kind", VALUES)
async def test_what_is_read_is_encoded_here_with_nulls_and_without(
    db: PostgresDatabase, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "platform_postgres")
    await db.execute(f"CREATE TABLE one (value {kind})")
    await db.bulk_insert("one", [{"value": value} for value in VALUES[kind]])
    rows = await db.fetch_all("SELECT value FROM one")
    for more in (rows[:1] * 10, rows, [*rows, {"value": None}], [{"value": None}]):
        await db.bulk_insert("one", more)
    assert not caplog.messages


@pytest.mark.parametrize("first", ["long", "short"])
@pytest.mark.parametrize("target", ["one", "seen"], ids=["a table", "a view"])
async def test_a_late_unusual_value_after_the_server_has_refused_costs_no_wait(
    db: PostgresDatabase, target: str, first: str
) -> None:
    await db.execute("CREATE TABLE one (word VARCHAR(9), number INT)")
    await db.execute("CREATE VIEW seen AS SELECT * FROM one")
    rows = [{"word": "short", "number": 1}] * 20_000
    rows = [{"word": "much too long" if first == "long" else "short", "number": 1}, *rows]
    async with asyncio.timeout(10), db.transaction():
        inserting = db.bulk_insert(target, [*rows, {"word": "short", "number": True}], batch_size=500)
        if first == "short":
            assert await inserting == len(rows) + 1
        else:
            with pytest.raises(DataError):
                await inserting
            return
    assert await db.execute("SELECT * FROM one WHERE number = 1") == len(rows) + 1


async def test_many_large_rows_are_sent_in_parts_and_kept_together(db: PostgresDatabase) -> None:
    await db.execute("CREATE TABLE one (value BYTEA)")
    sizes = [1, 3_000_000, 10_000_000, *[20_000] * MANY]
    rows = [{"value": bytes(size)} for size in sizes]
    parts = [len(part) async for part in encode_copies([ENCODERS["bytea"]], ["value"], rows, 500)]
    assert len(parts) > 2
    assert max(parts) < 20_000_000
    assert await db.bulk_insert("one", rows) == len(rows)
    with pytest.raises(DataError):
        await db.bulk_insert("one", [*rows, {"value": 1}])
    assert await db.fetch_one("SELECT SUM(length(value)) AS n FROM one") == {"n": sum(sizes)}


async def test_columns_of_domains_and_of_types_of_the_same_name_are_not_confused(
    db: PostgresDatabase,
) -> None:
    await db.execute("CREATE DOMAIN word AS TEXT CHECK (value <> 'bad')")
    await db.execute("CREATE SCHEMA mine; CREATE TYPE mine.text AS ENUM ('a', 'b')")
    await db.execute("CREATE TABLE one (word word, kind mine.text)")
    rows = [{"word": "good", "kind": "a"}] * MANY
    assert await db.bulk_insert("one", rows) == MANY
    assert await db.fetch_all("SELECT DISTINCT * FROM one") == rows[:1]


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("text[]", ["a"], "COPY encoded by the driver: no encoder for the types text[]"),
        ("tsvector", "'a'", "INSERT: no encoder for the types tsvector"),
        ("double precision", Decimal("1.5"), "column 'value' has values of Decimal"),
    ],
    ids=["the driver's", "text", "unusual"],
)
async def test_a_slower_way_is_logged_with_its_reason_and_no_value(
    db: PostgresDatabase, kind: str, value: object, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "platform_postgres")
    await db.execute(f"CREATE TABLE one (value {kind})")
    assert await db.bulk_insert("one", [{"value": value}]) == 1
    assert [reason in message for message in caplog.messages] == [True]


@pytest.mark.parametrize("kind", sorted(_DRIVER_TYPES))
async def test_the_driver_has_an_encoder_of_the_types_that_are_left_to_it(
    db: PostgresDatabase, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "platform_postgres")
    await db.execute(f'CREATE TABLE one (a pg_catalog."{kind}", b pg_catalog."{kind}"[])')
    assert await db.bulk_insert("one", [{"a": None, "b": []}]) == 1
    assert "COPY encoded by the driver" in caplog.messages[0]


async def test_a_view_is_filled_by_inserts_and_a_table_by_copy(
    db: PostgresDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "platform_postgres")
    await db.execute("CREATE TABLE one (a INT UNIQUE) PARTITION BY RANGE (a)")
    await db.execute("CREATE TABLE two PARTITION OF one DEFAULT")
    await db.execute("CREATE VIEW seen AS SELECT a FROM one")
    targets: list[tuple[str, list[str]]] = [("one", []), ("one", ["a"]), ("public.two", []), ("seen", ["a"])]
    for number, (table, key) in enumerate(targets):
        assert await db.bulk_insert(table, [{"a": number}], skip_conflicts_on=key) == 1
    assert not caplog.messages
    assert await db.bulk_insert("seen", [{"a": 9}]) == 1
    assert "by INSERT" in caplog.messages[0]


async def test_a_table_with_row_level_security_is_filled_by_inserts(
    db: PostgresDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "platform_postgres")
    await db.execute("CREATE TABLE one (a INT)")
    await db.execute("ALTER TABLE one ENABLE ROW LEVEL SECURITY")
    await db.execute("CREATE POLICY small ON one FOR INSERT WITH CHECK (a < 10)")
    role = f"writer_{uuid4().hex}"
    async with db.transaction():
        await db.execute(f"CREATE ROLE {role}")
        await db.execute(f"GRANT INSERT ON one TO {role}")
        await db.execute(f"SET LOCAL ROLE {role}")
        assert await db.bulk_insert("one", [{"a": 1}, {"a": 2}]) == 2
        with pytest.raises(QueryError, match="row-level security"):
            await db.bulk_insert("one", [{"a": 3}, {"a": 10}])
        await db.execute("RESET ROLE")
        await db.execute(f"DROP OWNED BY {role}")
        await db.execute(f"DROP ROLE {role}")
    assert "by INSERT" in caplog.messages[0]
    assert await db.fetch_all("SELECT a FROM one") == [{"a": 1}, {"a": 2}]


async def test_enums_are_encoded_here(db: PostgresDatabase, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "platform_postgres")
    await db.execute("CREATE TYPE colour AS ENUM ('red', 'blue')")
    await db.execute("CREATE TABLE one (a colour, b INT)")
    rows: list[dict[str, Any]] = [{"a": "red", "b": 1}, {"a": None, "b": 2}, {"a": "blue", "b": 3}]
    assert await db.bulk_insert("one", rows) == 3
    assert not caplog.messages
    assert await db.fetch_all("SELECT * FROM one ORDER BY b") == rows
    with pytest.raises(DataError):
        await db.bulk_insert("one", [{"a": "green", "b": 4}])
