"""Which value is stored, and as what, and which is refused: one table for every way into the database."""

from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from platform_interfaces import ConstraintError, DatabaseInterface, DataError, QueryError

MANY_ROWS = 2_000
STORED: dict[str, list[Any]] = {
    "BOOLEAN": [True, False],
    "SMALLINT": [-(2**15), 0],
    "INTEGER": [2**31 - 1, True],
    "BIGINT": [2**63 - 1, -(2**63), 5],
    "REAL": [1.5, 0.0, 3],
    "DOUBLE PRECISION": [0.1, 5e-324, float("inf"), 3, Decimal("1.5")],
    "NUMERIC(20, 4)": [Decimal("1.1000"), 5, 0.5, Decimal("-1234567890123456.0001")],
    "TEXT": ["", "ü\U0001f600", "2024-02-29"],
    "VARCHAR(3)": ["abc"],
    "BYTEA": [b"", b"\0\xff"],
    "DATE": [date.max, date.min, date(2024, 2, 29)],
    "TIME": [time.max, time(1, 2, 3, 4)],
    "TIMESTAMP": [datetime.max, datetime.min, datetime(2024, 2, 29, 1, 2, 3, 4)],  # noqa: DTZ001, DTZ901
    "TIMESTAMPTZ": [
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime(2024, 2, 29, 1, 2, 3, 4, timezone(timedelta(hours=-11, minutes=-30))),
    ],
    "INTERVAL": [timedelta(days=400), timedelta(microseconds=1), timedelta(days=-1, hours=3)],
    "UUID": [UUID(int=0), UUID(int=2**128 - 1)],
    "JSONB": [{"a": [1, None]}, [1, 2], "text", '{"a": 1}', 1, True, Decimal("1.5")],
    "JSONB[]": [[{"a": 1}, None, "text", True], []],
    "INTEGER[]": [[], [1, None, 2]],
    "TEXT[]": [["a", "", "b c"]],
    "DATE[]": [[date.max, None, date.min]],
    "TIMESTAMPTZ[]": [[datetime.max.replace(tzinfo=UTC)]],
}
_NAIVE = datetime(2024, 2, 29, 12)  # noqa: DTZ001
_BEYOND = datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))
REFUSED: dict[str, list[Any]] = {
    "BOOLEAN": [1, 0, "true", 1.0],
    "SMALLINT": [2**15, "5", 1.0],
    "INTEGER": [2**31, "5", 1.5, Decimal(1), b"5", date(2024, 2, 29)],
    "BIGINT": [2**63, "5", 1.0, Decimal("1.5"), UUID(int=1)],
    "REAL": ["1.5", 10**400, 1e300, 1e-300, Decimal("sNaN")],
    "DOUBLE PRECISION": ["1.5", 10**400, Decimal("1E+400"), Decimal("1E-400"), Decimal("sNaN")],
    "NUMERIC(20, 4)": ["5", Decimal("1E+131072"), Decimal("1E+16"), Decimal("sNaN"), b"5"],
    "TEXT": [5, b"x", 1.5, "NUL \0", "surrogate \ud800", date(2024, 2, 29)],
    "VARCHAR(3)": ["abcd", 5],
    "BYTEA": ["x", 5],
    "DATE": ["2024-02-29", 5, _NAIVE, _NAIVE.replace(tzinfo=UTC)],
    "TIME": ["01:02", _NAIVE, time(1, tzinfo=UTC)],
    "TIMESTAMP": ["2024-02-29", _NAIVE.replace(tzinfo=UTC), date(2024, 2, 29)],
    "TIMESTAMPTZ": ["2024-02-29T00:00:00Z", _NAIVE, datetime.max, date(2024, 2, 29), _BEYOND],  # noqa: DTZ901
    "INTERVAL": ["1 day", 5],
    "UUID": ["x", 5, "{00000000-0000-0000-0000-000000000005}"],
    "JSONB": [{"a": float("nan")}, {1, 2}, b"{", "NUL \0"],
    "INTEGER[]": [[1.9, 2.5], ["5"], 5, "{1}", [2**31]],
    "TEXT[]": [[5], "abc"],
    "DATE[]": [["2024-02-29"], [_NAIVE]],
    "TIMESTAMPTZ[]": [[_NAIVE], [datetime.max]],  # noqa: DTZ901
}
# What the text of a comparison shows; a number that is too large is found by some databases only.
REFUSED_IN_COMPARISONS: dict[str, list[Any]] = {
    "BOOLEAN": [1, "true"],
    "BIGINT": ["5", 1.5],
    "TEXT": [5, b"x"],
    "BYTEA": ["x"],
    "DATE": ["2024-02-29", _NAIVE],
    "TIMESTAMPTZ": ["2024-02-29T00:00:00Z", _NAIVE, date(2024, 2, 29)],
}


async def _execute(db: DatabaseInterface, value: Any) -> None:
    await db.execute("INSERT INTO vals (k, v) VALUES ($1, $2)", [1, value])


async def _execute_without_names(db: DatabaseInterface, value: Any) -> None:
    await db.execute("INSERT INTO vals VALUES (1, $1)", [value])


async def _update(db: DatabaseInterface, value: Any) -> None:
    await db.execute("INSERT INTO vals (k) VALUES (1)")
    await db.execute("UPDATE vals SET v = $1 WHERE k = $2", [value, 1])


async def _insert_one(db: DatabaseInterface, value: Any) -> None:
    await db.bulk_insert("vals", [{"k": 1, "v": value}])


async def _insert_many(db: DatabaseInterface, value: Any) -> None:
    await db.bulk_insert("vals", [{"k": k, "v": value} for k in range(MANY_ROWS)])


async def _insert_new(db: DatabaseInterface, value: Any) -> None:
    await db.bulk_insert("vals", [{"k": 1, "v": value}], skip_conflicts_on=["k"])


Way = Callable[[DatabaseInterface, Any], Coroutine[Any, Any, None]]
WAYS: list[Way] = [_execute, _execute_without_names, _update, _insert_one, _insert_many, _insert_new]


class DatabaseValueCases:
    """No value is changed in silence, whatever way it goes in."""

    @pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
    async def test_f3_f5_a_value_is_stored_as_it_is(self, db: DatabaseInterface, way: Way) -> None:
        for kind, values in STORED.items():
            await db.execute(f"CREATE TABLE vals (k BIGINT PRIMARY KEY, v {kind})")
            for value in values:
                await way(db, value)
                row = await db.fetch_one("SELECT v FROM vals")
                assert row == {"v": value}, f"{kind}: {value!r}"
                await db.execute("DELETE FROM vals")
            await db.execute("DROP TABLE vals")

    @pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
    async def test_f4_f5_a_value_that_does_not_fit_is_a_data_error(
        self, db: DatabaseInterface, way: Way
    ) -> None:
        accepted = []
        for kind, values in REFUSED.items():
            await db.execute(f"CREATE TABLE vals (k BIGINT PRIMARY KEY, v {kind})")
            for value in values:
                try:
                    await way(db, value)
                except ConstraintError:
                    accepted.append(f"{kind}: {value!r} is reported as a constraint of the table's")
                except DataError:
                    assert await db.fetch_all("SELECT k FROM vals WHERE v IS NOT NULL") == []
                else:
                    accepted.append(f"{kind}: {value!r}")
                await db.execute("DELETE FROM vals")
            await db.execute("DROP TABLE vals")
        assert accepted == []

    async def test_f5_a_value_of_another_type_is_a_data_error_and_matches_nothing(
        self, db: DatabaseInterface
    ) -> None:
        for kind, values in REFUSED_IN_COMPARISONS.items():
            await db.execute(f"CREATE TABLE vals (k BIGINT PRIMARY KEY, v {kind})")
            for value in values:
                for query in (
                    "SELECT k FROM vals WHERE v = $1",
                    "SELECT k FROM vals AS t WHERE k = 1 AND $1 < t.v",
                    "SELECT k FROM vals WHERE v IN ($1)",
                    f"SELECT $1::{kind} AS v",
                    f"SELECT CAST($1 AS {kind}) AS v",
                ):
                    with pytest.raises(DataError):
                        await db.fetch_all(query, [value])
                with pytest.raises(DataError):
                    await db.fetch_all("SELECT k FROM vals WHERE v = ANY($1)", [[value]])
            await db.execute("DROP TABLE vals")

    @pytest.mark.parametrize("value", ["-infinity", "infinity", "20000-01-01"])
    async def test_f8_a_timestamp_that_python_cannot_hold_is_a_data_error(
        self, db: DatabaseInterface, value: str
    ) -> None:
        with pytest.raises(DataError):
            await db.fetch_all(f"SELECT '{value}'::timestamptz AS v")
        assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    @pytest.mark.parametrize("query", ["SELECT 1 AS id, 2 AS id", "SELECT * FROM a JOIN b ON a.id = b.id"])
    async def test_f10_two_columns_with_one_name_are_refused(self, db: DatabaseInterface, query: str) -> None:
        await db.execute("CREATE TABLE a (id INT, x INT)")
        await db.execute("CREATE TABLE b (id INT, y INT)")
        await db.execute("INSERT INTO a VALUES (1, 2)")
        await db.execute("INSERT INTO b VALUES (1, 3)")
        for call in (db.fetch_one(query), db.fetch_all(query), anext(db.stream(query))):
            with pytest.raises(QueryError, match="'id'"):
                await call

    async def test_f6_a_temporary_table_does_not_reach_the_next_user(self, db: DatabaseInterface) -> None:
        await db.execute("CREATE TABLE items (name TEXT)")
        for _ in range(3):
            await db.execute("CREATE TEMPORARY TABLE items (name TEXT)")
        assert await db.bulk_insert("items", [{"name": "a"}]) == 1
        assert await db.fetch_all("SELECT name FROM public.items") == [{"name": "a"}]
