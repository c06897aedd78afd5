import json
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from platform_interfaces import DataError
from platform_memory import MemoryDatabase
from platform_memory._jsonb import normalize, parse


@pytest_asyncio.fixture
async def db() -> AsyncIterator[MemoryDatabase]:
    async with MemoryDatabase() as database:
        await database.execute("CREATE TABLE t (id BIGSERIAL PRIMARY KEY, value JSONB)")
        yield database


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"b": 1, "a": [1, 2 , {"d":1,"c":2}]}', '{"a":[1,2,{"c":2,"d":1}],"b":1}'),
        ('{"a": 1, "a": 2}', '{"a":2}'),
        ('"\\u00e9\\ud83d\\ude00\\/"', '"é😀/"'),
        (" 12345678901234567890123 ", "12345678901234567890123"),
        ("29.99", "29.99"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("-0", "0"),
        ("null", "null"),
    ],
)
def test_one_value_has_one_text(text: str, expected: str) -> None:
    assert parse(normalize(text)) == json.loads(expected)
    assert normalize(text) == normalize(expected)


@pytest.mark.parametrize(
    "number",
    [
        "0.10",
        "1.0",
        "0.12345678901234567890",
        "100000000000000000000.5",
        "0.00001",
        "1" * 4300,
        "0." + "1" * 16383,
    ],
)
def test_a_number_keeps_its_value(number: str) -> None:
    value = parse(normalize(f'{{"n": {number}}}'))["n"]
    assert Decimal(str(value)) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "-Infinity",
        '"\\u0000"',
        '{"\\\\\\u0000": 1}',
        "1e999999999",
        "0.4e006" + "9" * 45,
        "1" * 131_073,
        "1e131072",
        "1e-16384",
        "[" * 100_000,
    ],
    ids=lambda text: text[:12],
)
async def test_what_jsonb_does_not_take_is_refused(db: MemoryDatabase, text: str) -> None:
    with pytest.raises(DataError):
        await db.execute("INSERT INTO t (value) VALUES ($1::jsonb)", [text.encode()])
    with pytest.raises(DataError):
        await db.bulk_insert("t", [{"value": text.encode()}])


@pytest.mark.parametrize("value", [float("nan"), object(), {"a": {1}}, "\ud800", b"bytes"])
async def test_what_is_not_json_is_refused(db: MemoryDatabase, value: object) -> None:
    with pytest.raises(DataError):
        await db.bulk_insert("t", [{"value": value}])


async def test_text_that_looks_like_an_escaped_nul_is_text(db: MemoryDatabase) -> None:
    values = ["\\u0000", '"\\u00001.5"', '\\"\\u00001.5"']
    await db.bulk_insert("t", [{"value": value} for value in values])
    assert [row["value"] for row in await db.fetch_all("SELECT value FROM t ORDER BY id")] == values
    texts = await db.fetch_all("SELECT $1::jsonb->>'k' AS text", [{"k": "\\u0000"}])
    assert texts == [{"text": "\\u0000"}]


async def test_groups_and_keys_do_not_depend_on_the_order_of_keys(db: MemoryDatabase) -> None:
    for text in ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', '{"b": 1, "b": 2, "a": 1}'):
        await db.execute("INSERT INTO t (value) VALUES ($1::jsonb)", [text.encode()])
    assert await db.fetch_all("SELECT value, COUNT(*) FROM t GROUP BY value") == [
        {"value": {"a": 1, "b": 2}, "count": 3}
    ]
    assert await db.execute("SELECT DISTINCT value FROM t") == 1


async def test_parts_are_reached_by_their_literal_keys(db: MemoryDatabase) -> None:
    document = {"$.a": 1, "/a": 2, "a~b": 3, "": 4, "a.b": 5, "list": ["x", {"y": [None, "z"]}]}
    await db.bulk_insert("t", [{"value": document}])
    for key, expected in list(document.items())[:5]:
        assert await db.fetch_one("SELECT value->>$1 AS text, value->$1 AS value FROM t", [key]) == {
            "text": str(expected),
            "value": expected,
        }
    row = await db.fetch_one("""
        SELECT value->'list'->1->'y'->>1 AS text, value->'list'->>-2 AS first,
               value->'no'->>'where' AS nothing, value->'list'->1->'y'->>0 AS null
        FROM t WHERE value->'list'->1->'y'->>1 = 'z' AND NOT value->>'a.b' = '6'
    """)
    assert row == {"text": "z", "first": "x", "nothing": None, "null": None}


@pytest.mark.parametrize(
    "number", ["0.10", "1.0", "0.12345678901234567890", "12345678901234567890123", "29.99"]
)
async def test_a_number_keeps_its_digits_on_the_way_through_operators(
    db: MemoryDatabase, number: str
) -> None:
    await db.bulk_insert("t", [{"value": f'{{"n": {number}, "in": {{"n": [{number}]}}}}'.encode()}])
    row = await db.fetch_one("""
        SELECT value->>'n' AS text, value->'in'->'n'->>0 AS deep, value->>'in' AS object,
               value->'in' AS value
        FROM t
    """)
    assert row is not None
    assert (row["text"], row["deep"], row["object"]) == (number, number, f'{{"n":[{number}]}}')
    assert Decimal(str(row["value"]["n"][0])) == Decimal(number)


async def test_text_and_numbers_are_json_where_the_statement_says_so(db: MemoryDatabase) -> None:
    for value in ("text", '{"a": 1}', 1, 1.5, True, None):
        await db.execute("INSERT INTO t (value) VALUES ($1::jsonb)", [value])
        assert await db.fetch_one("SELECT value FROM t ORDER BY id DESC") == {"value": value}


@pytest.mark.parametrize("text", ['{"b": "it\'\'s", "a": 1.10}', '{ "a" : 1.10, "b" : "it\'\'s" }'])
async def test_a_literal_is_the_same_value(db: MemoryDatabase, text: str) -> None:
    await db.execute(f"INSERT INTO t (value) VALUES ('{text}'::jsonb)")
    same = {"b": "it's", "a": Decimal("1.10")}
    assert await db.fetch_one("SELECT value, value->>'a' AS a FROM t WHERE value = $1", [same]) == {
        "value": {"a": 1.1, "b": "it's"},
        "a": "1.10",
    }


async def test_a_literal_that_is_not_json_is_refused(db: MemoryDatabase) -> None:
    with pytest.raises(DataError):
        await db.execute("INSERT INTO t (value) VALUES ('{'::jsonb)")


def test_zero_has_no_sign() -> None:
    assert (normalize("-0.0"), normalize("[-0, -0e5]")) == ("0.0", "[0,0]")
