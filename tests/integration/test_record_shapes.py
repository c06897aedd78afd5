"""Ingestion loads any typed record by any kind of key, on both databases alike."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from batch_etl import ingest
from platform_interfaces import DatabaseInterface, PlatformContext
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger, MemorySecrets
from platform_postgres import PostgresDatabase

TYPES = {
    "a_text": ("TEXT", ingest.TEXT),
    "an_integer": ("INTEGER", ingest.INTEGER),
    "a_numeric": ("NUMERIC(12, 2)", ingest.NUMERIC),
    "a_boolean": ("BOOLEAN", ingest.BOOLEAN),
    "a_date": ("DATE", ingest.DATE),
    "a_timestamp": ("TIMESTAMPTZ", ingest.TIMESTAMP),
    "some_json": ("JSONB", ingest.JSON),
    "some_bytes": ("BYTEA", ingest.BYTES),
}
VALUES: dict[str, Any] = {
    "a_text": "grüße",
    "an_integer": -7,
    "a_numeric": Decimal("9.50"),
    "a_boolean": True,
    "a_date": dt.date(2026, 1, 15),
    "a_timestamp": dt.datetime(2026, 1, 15, 10, tzinfo=dt.UTC),
    "some_json": b'{"a":1}',
    "some_bytes": b"\0\xff",
}
KEYS: dict[str, tuple[ingest.ColumnType, list[Any]]] = {
    "TEXT": (ingest.TEXT, ["a", "A", "ä", "'", "x" * 300]),
    "INTEGER": (ingest.INTEGER, [0, 1, -1, 2**31 - 1]),
    "BIGINT": (ingest.INTEGER, [0, 2**63 - 1, -(2**63)]),
    "BYTEA": (ingest.BYTES, [b"", b"a", b"ab", b"abc", b"\0", b"\0" * 32]),
}


class ShapeCleaner:
    """Takes the values of a row by the number that is a line."""

    key, table, migration = "its_key", "shapes", "none"
    fields: tuple[str, ...] = ()

    def __init__(self, key: ingest.ColumnType, rows: list[tuple[Any, ...]], *names: str) -> None:
        self.columns = {"its_key": key} | {name: TYPES[name][1] for name in names}
        self._rows = rows

    def clean(self, record: int, /) -> ingest.CleanRow:
        return self._rows[record]


@pytest.fixture(params=["memory", "postgres"])
def closed_db(request: pytest.FixtureRequest) -> DatabaseInterface:
    if request.param == "memory":
        return MemoryDatabase()
    return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": request.getfixturevalue("postgres_url")}))


@pytest.fixture
async def db(closed_db: DatabaseInterface) -> AsyncIterator[DatabaseInterface]:
    async with closed_db:
        yield closed_db


async def create_table(db: DatabaseInterface, key: str, *names: str) -> None:
    columns = "".join(f"{name} {TYPES[name][0]}, " for name in names)
    await db.execute(
        f"CREATE TABLE shapes (id BIGSERIAL PRIMARY KEY, its_key {key} NOT NULL UNIQUE, {columns}"
        "event_date DATE NOT NULL, created_at TIMESTAMPTZ NOT NULL)"
    )


async def load(
    db: DatabaseInterface, cleaner: ShapeCleaner, rows: list[int], **changes: Any
) -> dict[str, Any]:
    fs, log = MemoryFileSystem(), MemoryLogger()
    await fs.write("raw/2026-01-15/a.jsonl", "\n".join(map(json.dumps, rows)).encode())
    config = ingest.LoadConfig("2026-01-15", "raw", "shapes", **changes)
    await ingest.load(PlatformContext(log=log, db=db, fs=fs, config={}), config, cleaner)
    totals = log.events[-1].fields
    assert log.events[-1].message == "Load complete"
    return {name: totals[name] for name in ("inserted", "skipped", "duplicates", "invalid")}


def counts(inserted: int = 0, skipped: int = 0, duplicates: int = 0, invalid: int = 0) -> dict[str, int]:
    return {"inserted": inserted, "skipped": skipped, "duplicates": duplicates, "invalid": invalid}


async def test_every_type_of_column_is_stored_as_it_is_and_null_as_null(db: DatabaseInterface) -> None:
    await create_table(db, "TEXT", *TYPES)
    cleaner = ShapeCleaner(ingest.TEXT, [("full", *VALUES.values()), ("empty", *[None] * len(TYPES))], *TYPES)
    assert await load(db, cleaner, [0, 1]) == counts(inserted=2)
    [empty, full] = await db.fetch_all(f"SELECT {', '.join(TYPES)} FROM shapes ORDER BY its_key")
    assert full == {**VALUES, "some_json": {"a": 1}}
    assert set(empty.values()) == {None}


@pytest.mark.parametrize("kind", KEYS)
async def test_rows_are_known_again_by_keys_of_every_kind(db: DatabaseInterface, kind: str) -> None:
    key_type, keys = KEYS[kind]
    await create_table(db, kind)
    cleaner = ShapeCleaner(key_type, [(key,) for key in keys])
    every = list(range(len(keys)))
    assert await load(db, cleaner, every, is_dry_run=True) == counts()
    assert await load(db, cleaner, every[1:] + every[1:2]) == counts(len(keys) - 1, duplicates=1)
    assert await load(db, cleaner, every + every[:1]) == counts(1, len(keys) - 1, duplicates=1)
    assert {row["its_key"] for row in await db.fetch_all("SELECT its_key FROM shapes")} == set(keys)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a_text", "a\0b"),
        ("an_integer", 2**31),
        ("an_integer", 2**70),
        ("a_numeric", Decimal("1e10")),
        ("a_timestamp", dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-1)))),
    ],
)
async def test_a_value_that_its_column_refuses_rejects_its_line_alone(
    db: DatabaseInterface, name: str, value: Any
) -> None:
    await create_table(db, "INTEGER", name)
    cleaner = ShapeCleaner(ingest.INTEGER, [(1, VALUES[name]), (2, value), (3, VALUES[name])], name)
    assert await load(db, cleaner, [0, 1, 2]) == counts(inserted=2, invalid=1)


@pytest.mark.parametrize(("kind", "bad"), [("TEXT", "a\0b"), ("BIGINT", 2**63), ("INTEGER", 2**31)])
async def test_a_key_that_its_column_refuses_rejects_its_line_alone(
    db: DatabaseInterface, kind: str, bad: Any
) -> None:
    key_type, keys = KEYS[kind]
    await create_table(db, kind)
    cleaner = ShapeCleaner(key_type, [(keys[0],), (bad,), (keys[1],)])
    assert await load(db, cleaner, [0, 1, 2]) == counts(inserted=2, invalid=1)
    assert await load(db, cleaner, [0, 1, 2]) == counts(skipped=2, invalid=1)
    assert await load(db, cleaner, [0, 1, 2], is_dry_run=True) == counts()
