"""What many rows are encoded by is told from the driver's codecs, which few rows go through, by nobody."""

from __future__ import annotations

import asyncio
import enum
import traceback
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from platform_interfaces import DataError
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres._bulk import MANY, _encoded
from platform_postgres._copy_format import NotEncodableError, encode_rows, find_encoders

OIDS = {"boolean": 16, "bytea": 17, "bigint": 20, "smallint": 21, "integer": 23, "text": 25, "json": 114}
OIDS |= {"real": 700, "double precision": 701, "varchar(9)": 1043, "date": 1082, "timestamptz": 1184}
OIDS |= {"uuid": 2950, "jsonb": 3802, "numeric": 1700}
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
async def test_many_values_are_stored_as_few_are(db: PostgresDatabase, kind: str) -> None:
    await db.execute(f"CREATE TABLE one (id BIGINT, value {kind})")
    few = [{"id": number, "value": value} for number, value in enumerate([*VALUES[kind], None])]
    without_null, with_null = few[:-1] * MANY, few * MANY
    encoders = find_encoders([20, OIDS[kind]])
    for rows in (few, without_null, with_null):
        assert encode_rows(encoders, ["id", "value"], rows[:500]), "else the driver would encode them"
        assert await db.bulk_insert("one", rows) == len(rows)
    found = await db.fetch_all("SELECT id, value::text, COUNT(*) AS n FROM one GROUP BY 1, 2 ORDER BY id")
    assert [row["n"] for row in found] == [1 + 2 * MANY] * len(VALUES[kind]) + [1 + MANY]


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
async def test_what_is_read_is_encodable_with_nulls_and_without(db: PostgresDatabase, kind: str) -> None:
    await db.execute(f"CREATE TABLE one (value {kind})")
    await db.bulk_insert("one", [{"value": value} for value in VALUES[kind]])
    rows = await db.fetch_all("SELECT value FROM one")
    encoders = find_encoders([OIDS[kind]])
    for more in ([], [{"value": None}]):
        assert encode_rows(encoders, ["value"], (rows[:1] + more) * 10)
        assert encode_rows(encoders, ["value"], rows + more)
    assert encode_rows(encoders, ["value"], [{"value": None}])


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
    parts = [len(part) async for part in _encoded(find_encoders([17]), ["value"], rows, 500)]
    assert len(parts) > 2
    assert max(parts) < 20_000_000
    assert await db.bulk_insert("one", rows) == len(rows)
    with pytest.raises(DataError):
        await db.bulk_insert("one", [*rows, {"value": 1}])
    assert await db.fetch_one("SELECT SUM(length(value)) AS n FROM one") == {"n": sum(sizes)}


async def test_columns_of_domains_and_of_types_of_the_same_name_are_told_apart(db: PostgresDatabase) -> None:
    await db.execute("CREATE DOMAIN word AS TEXT CHECK (value <> 'bad')")
    await db.execute("CREATE SCHEMA mine; CREATE TYPE mine.text AS ENUM ('a', 'b')")
    await db.execute("CREATE TABLE one (word word, kind mine.text)")
    rows = [{"word": "good", "kind": "a"}] * MANY
    assert await db.bulk_insert("one", rows) == MANY
    assert await db.fetch_all("SELECT DISTINCT * FROM one") == rows[:1]


@pytest.mark.parametrize(
    "row",
    [{"value": 1}, {"value": "a", "more": 1}, {"other": "a"}, {"value": ["a"]}],
    ids=["kind", "more columns", "other columns", "a list"],
)
def test_what_is_not_encodable_is_told_without_a_value(row: dict[str, object]) -> None:
    with pytest.raises(NotEncodableError) as caught:
        encode_rows(find_encoders([25]), ["value"], [row])
    assert str(caught.value) == ""
