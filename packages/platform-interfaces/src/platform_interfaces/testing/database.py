"""What every ``DatabaseInterface`` promises."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from platform_interfaces import (
    Columns,
    ConstraintError,
    DatabaseInterface,
    DataError,
    LockTimeoutError,
    NotConnectedError,
    QueryError,
    TransactionAbortedError,
)
from platform_interfaces.testing._capabilities import CapabilityCases
from platform_interfaces.testing._database_bulk import DatabaseBulkCases
from platform_interfaces.testing._database_cancellation import DatabaseCancellationCases
from platform_interfaces.testing._database_concurrency import DatabaseConcurrencyCases
from platform_interfaces.testing._database_errors import DatabaseErrorCases
from platform_interfaces.testing._database_lifecycle import DatabaseLifecycleCases
from platform_interfaces.testing._database_queries import DatabaseQueryCases
from platform_interfaces.testing._database_shared import DatabaseSharedCases
from platform_interfaces.testing._database_values import DatabaseValueCases
from platform_interfaces.testing._lifecycle import LifecycleCases
from platform_interfaces.testing._support import CaseError

CREATE_ITEMS = """
    CREATE TABLE items (
        id BIGSERIAL PRIMARY KEY,
        name VARCHAR(255) NOT NULL UNIQUE,
        payload JSONB,
        created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
    )
"""
HOSTILE_NAMES = [
    "",
    "items; DROP TABLE items",
    'items"',
    "items--",
    "a.b.c",
    "items\0",
    "1items",
    "i" * 64,
    "ítems",
]
JSON_VALUES: list[Any] = [
    {"b": 1, "a": [1, "two", None, True, {"nested": {}}]},
    {},
    [],
    [1, 2],
    ["text", {"a": 1}],
    "text",
    '{"text": "that looks like an object"}',
    "",
    1,
    -1.5,
    True,
    {"key": None},
    {"quote": '"', "backslash": "\\", "line": "\n\u2028", "emoji": "😀", "ключ": "ü"},
]
# For one placeholder of a BIGINT; a driver may well refuse them by itself.
UNFIT_PARAMS: list[list[Any]] = [[1, 2], ["text"]]


class DatabaseContract(
    DatabaseBulkCases,
    DatabaseCancellationCases,
    DatabaseConcurrencyCases,
    DatabaseErrorCases,
    DatabaseLifecycleCases,
    DatabaseQueryCases,
    DatabaseSharedCases,
    DatabaseValueCases,
    LifecycleCases,
    CapabilityCases,
):
    """Subscribe with a fixture ``database``: not yet connected, on an empty database of its own.

    What a subscriber may declare besides, each with its default:

    - ``is_shared`` (found out): False where a second instance has a database of its own.
    - ``connections`` (10): how many connections ``database`` has for statements.
    - fixture ``another_database`` (``database`` made once more): a second instance on the same database.
    - fixture ``unreachable_database`` (none): an instance whose server is not there.
    - ``kill_connections``, ``count_connections``: how that is done, where not by PostgreSQL's functions.
    """

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def database(self) -> DatabaseInterface:
        """Return the database under test; the subscriber overrides this."""
        raise NotImplementedError

    @pytest_asyncio.fixture
    async def db(self, database: DatabaseInterface) -> AsyncIterator[DatabaseInterface]:
        """Yield the same instance, connected for the length of the test."""
        await database.connect()
        yield database
        await database.disconnect()

    @pytest.fixture
    def resource(self, database: DatabaseInterface) -> DatabaseInterface:
        """Return the same instance, for the cases that open it themselves."""
        return database

    async def use(self, resource: DatabaseInterface) -> None:
        """Ask it something."""
        assert await resource.fetch_one("SELECT 1 AS one") == {"one": 1}

    @pytest_asyncio.fixture
    async def items(self, db: DatabaseInterface) -> None:
        """Create the table that most tests write to."""
        await db.execute(CREATE_ITEMS)

    # --- connection ---

    async def test_connect_disconnect(self, database: DatabaseInterface) -> None:
        assert not database.is_connected()
        await database.connect()
        assert database.is_connected()
        await database.disconnect()
        assert not database.is_connected()

    async def test_connect_and_disconnect_are_idempotent(self, database: DatabaseInterface) -> None:
        await database.disconnect()
        await database.connect()
        await database.connect()
        assert await database.fetch_one("SELECT 1 AS one") == {"one": 1}
        await database.disconnect()
        await database.disconnect()
        assert not database.is_connected()

    async def test_a_with_block_connects_and_disconnects(self, database: DatabaseInterface) -> None:
        async with database as db:
            assert db.is_connected()
        assert not database.is_connected()

    async def test_a_statement_may_have_a_time_limit_of_its_own(self, db: DatabaseInterface) -> None:
        assert await db.execute("SELECT 1", timeout=60) == 1
        async with db.transaction():
            assert await db.execute("SELECT $1::bigint", [1], timeout=60) == 1

    async def test_queries_before_connect_are_refused(self, database: DatabaseInterface) -> None:
        with pytest.raises(NotConnectedError, match="connect"):
            await database.execute("SELECT 1")
        with pytest.raises(NotConnectedError):
            await database.fetch_one("SELECT 1")
        with pytest.raises(NotConnectedError):
            await database.fetch_all("SELECT 1")
        with pytest.raises(NotConnectedError):
            await anext(database.stream("SELECT 1"))
        with pytest.raises(NotConnectedError):
            await database.bulk_insert("items", [{"name": "a"}])
        with pytest.raises(NotConnectedError):
            async with database.transaction():
                pass
        with pytest.raises(NotConnectedError):
            async with database.lock("name", timeout=0):
                pass

    async def test_health_check_connected(self, db: DatabaseInterface) -> None:
        assert await db.health_check() is True

    async def test_health_check_disconnected(self, database: DatabaseInterface) -> None:
        assert await database.health_check() is False
        await database.connect()
        await database.disconnect()
        assert await database.health_check() is False

    # --- statements ---

    async def test_execute_create_table(self, db: DatabaseInterface) -> None:
        assert await db.execute(CREATE_ITEMS) == 0
        tables = await db.fetch_all(
            "SELECT table_name FROM information_schema.tables WHERE table_name = $1", ["items"]
        )
        assert tables == [{"table_name": "items"}]

    @pytest.mark.usefixtures("items")
    async def test_execute_returns_the_rows_affected(self, db: DatabaseInterface) -> None:
        assert await db.execute("INSERT INTO items (name) VALUES ('a'), ('b'), ('c')") == 3
        assert await db.execute("UPDATE items SET payload = NULL WHERE name <> $1", ["a"]) == 2
        assert await db.execute("SELECT * FROM items") == 3
        assert await db.execute("DELETE FROM items WHERE name = 'none'") == 0
        assert await db.execute("INSERT INTO items (name) VALUES ('a') ON CONFLICT (name) DO NOTHING") == 0
        assert await db.execute("DELETE FROM items") == 3

    @pytest.mark.usefixtures("items")
    async def test_the_schema_is_public(self, db: DatabaseInterface) -> None:
        await db.execute("INSERT INTO public.items (name) VALUES ('a')")
        assert await db.fetch_one("SELECT current_schema() AS name") == {"name": "public"}
        assert await db.bulk_insert("public.items", [{"name": "b"}]) == 1
        assert await self._names(db) == ["a", "b"]

    @pytest.mark.usefixtures("items")
    async def test_fetch_one(self, db: DatabaseInterface) -> None:
        await db.execute("INSERT INTO items (name, payload) VALUES ($1, $2)", ["a", {"n": 1}])
        row = await db.fetch_one("SELECT name, payload FROM items WHERE name = $1", ["a"])
        assert row == {"name": "a", "payload": {"n": 1}}

    @pytest.mark.usefixtures("items")
    async def test_fetch_one_no_results(self, db: DatabaseInterface) -> None:
        assert await db.fetch_one("SELECT * FROM items") is None

    @pytest.mark.usefixtures("items")
    async def test_fetch_all(self, db: DatabaseInterface) -> None:
        assert await db.fetch_all("SELECT * FROM items") == []
        await db.execute("INSERT INTO items (name) VALUES ('b'), ('a')")
        assert await db.fetch_all("SELECT name FROM items ORDER BY name") == [{"name": "a"}, {"name": "b"}]

    @pytest.mark.usefixtures("items")
    async def test_insert_returning_gives_the_generated_values(self, db: DatabaseInterface) -> None:
        first = await db.fetch_one("INSERT INTO items (name) VALUES ('a') RETURNING id, created_at")
        second = await db.fetch_one("INSERT INTO items (name) VALUES ('b') RETURNING id")
        assert first is not None
        assert second is not None
        assert second["id"] > first["id"] > 0
        assert abs(datetime.now(UTC) - first["created_at"]) < timedelta(minutes=5)

    @pytest.mark.usefixtures("items")
    async def test_parameterized_queries(self, db: DatabaseInterface) -> None:
        hostile = "'; DROP TABLE items; --"
        await db.execute("INSERT INTO items (name) VALUES ($1)", [hostile])
        assert await db.fetch_one("SELECT name FROM items WHERE name = $1", [hostile]) == {"name": hostile}
        assert await db.fetch_one("SELECT name FROM items WHERE name = $1", ["' OR '1'='1"]) is None

    async def test_a_parameter_can_be_used_twice_and_cast(self, db: DatabaseInterface) -> None:
        row = await db.fetch_one("SELECT $1::text AS a, $2::int + 1 AS b, $1::text || '!' AS c", ["x", 2])
        assert row == {"a": "x", "b": 3, "c": "x!"}

    async def test_a_single_value_is_not_a_list_of_parameters(self, db: DatabaseInterface) -> None:
        query = "SELECT $1::text AS a"
        wrong: list[Any] = ["x", b"x", 7, {"x": 7}]
        for params in wrong:
            for ask in (db.execute, db.fetch_one, db.fetch_all):
                with pytest.raises(QueryError, match="list"):
                    await ask(query, params)
            with pytest.raises(QueryError, match="list"):
                await anext(db.stream(query, params))
        assert await db.fetch_one(query, ["x"]) == {"a": "x"}

    async def test_wrong_statements_are_query_errors(self, db: DatabaseInterface) -> None:
        for query in ("SELEC 1", "SELECT * FROM no_such_table", "SELECT no_such_column"):
            with pytest.raises(QueryError):
                await db.execute(query)
            with pytest.raises(QueryError):
                await db.fetch_all(query)
        with pytest.raises(QueryError):
            await anext(db.stream("SELECT * FROM no_such_table"))
        assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    @pytest.mark.usefixtures("items")
    async def test_broken_constraints_are_constraint_errors(self, db: DatabaseInterface) -> None:
        await db.execute("INSERT INTO items (name) VALUES ('a')")
        with pytest.raises(ConstraintError):
            await db.execute("INSERT INTO items (name) VALUES ($1)", ["a"])
        with pytest.raises(ConstraintError):
            await db.execute("INSERT INTO items (name) VALUES (NULL)")
        assert await db.fetch_all("SELECT name FROM items") == [{"name": "a"}]

    # --- values ---

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("BOOLEAN", True),
            ("INTEGER", -7),
            ("BIGINT", 2**63 - 1),
            ("DOUBLE PRECISION", 0.1),
            ("NUMERIC(20, 4)", Decimal("12345678901234.5000")),
            ("TEXT", "tab\tüñ😀'\"\\"),
            ("VARCHAR(10)", "text"),
            ("DATE", date(2024, 2, 29)),
            ("TIMESTAMPTZ", datetime(2026, 1, 15, 12, 30, 1, 123456, tzinfo=UTC)),
            ("TIMESTAMPTZ", datetime(2026, 1, 15, 12, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
            ("UUID", UUID("12345678-1234-5678-1234-567812345678")),
            ("BYTEA", bytes(range(256))),
            ("TEXT", None),
            ("JSONB", None),
        ],
        ids=lambda value: str(value)[:24] if isinstance(value, str) else None,
    )
    async def test_a_value_comes_back_as_it_was_given(
        self, db: DatabaseInterface, kind: str, value: object
    ) -> None:
        await db.execute(f"CREATE TABLE one (value {kind})")
        await db.execute("INSERT INTO one (value) VALUES ($1)", [value])
        await db.bulk_insert("one", [{"value": value}])
        rows = await db.fetch_all("SELECT value FROM one")
        assert rows == [{"value": value}] * 2
        assert all(isinstance(row["value"], type(value)) for row in rows)

    @pytest.mark.parametrize("kind", ["SMALLINT", "INTEGER", "BIGINT"])
    @pytest.mark.parametrize("value", [1.9, 2.0, Decimal("1.9"), Decimal(2), "2"], ids=repr)
    async def test_a_bulk_insert_makes_no_integer_of_another_value(
        self, db: DatabaseInterface, kind: str, value: object
    ) -> None:
        await db.execute(f"CREATE TABLE one (value {kind} UNIQUE)")
        for skip_conflicts_on in ([], ["value"]):
            with pytest.raises(DataError):
                await db.bulk_insert(
                    "one", [{"value": 1}, {"value": value}], skip_conflicts_on=skip_conflicts_on
                )
        assert await db.fetch_all("SELECT * FROM one") == []

    @pytest.mark.parametrize(("kind", "bits"), [("SMALLINT", 16), ("INTEGER", 32), ("BIGINT", 64)])
    async def test_an_integer_comes_back_up_to_its_limits(
        self, db: DatabaseInterface, kind: str, bits: int
    ) -> None:
        await db.execute(f"CREATE TABLE one (value {kind})")
        least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        for value in (least, -1, 0, most):
            await db.execute("INSERT INTO one VALUES ($1)", [value])
            await db.bulk_insert("one", [{"value": value}])
        for value in (least - 1, most + 1):
            with pytest.raises(DataError):
                await db.execute("INSERT INTO one VALUES ($1)", [value])
            with pytest.raises(DataError):
                await db.bulk_insert("one", [{"value": value}])
        rows = await db.fetch_all("SELECT value FROM one ORDER BY value")
        assert [row["value"] for row in rows] == [least, least, -1, -1, 0, 0, most, most]

    async def test_a_timestamp_comes_back_aware(self, db: DatabaseInterface) -> None:
        row = await db.fetch_one("SELECT NOW() AS now")
        assert row is not None
        assert row["now"].utcoffset() is not None

    @pytest.mark.parametrize("value", JSON_VALUES, ids=repr)
    async def test_json_comes_back_as_it_was_given(self, db: DatabaseInterface, value: object) -> None:
        await db.execute("CREATE TABLE one (value JSONB)")
        await db.bulk_insert("one", [{"value": value}])
        if not isinstance(
            value, str | bool | int | float
        ):  # their type in a statement is the column's to say
            await db.execute("INSERT INTO one (value) VALUES ($1)", [value])
        for row in await db.fetch_all("SELECT value FROM one"):
            assert row["value"] == value
            assert type(row["value"]) is type(value)

    async def test_json_numbers_are_stored_as_written(self, db: DatabaseInterface) -> None:
        await db.execute("CREATE TABLE one (value JSONB)")
        integer, fraction = 12345678901234567890123, Decimal("0.12345678901234567890")
        written = b'{"integer": 12345678901234567890123, "fraction": 0.12345678901234567890}'
        await db.execute("INSERT INTO one (value) VALUES ($1::jsonb)", [written])
        await db.bulk_insert("one", [{"value": written}])
        await db.bulk_insert("one", [{"value": {"integer": integer, "fraction": fraction}}])
        rows = await db.fetch_all("SELECT value, value->>'fraction' AS fraction FROM one")
        assert (
            rows
            == [{"value": {"integer": integer, "fraction": fraction}, "fraction": "0.12345678901234567890"}]
            * 3
        )

    async def test_json_is_equal_whatever_the_order_of_its_keys(self, db: DatabaseInterface) -> None:
        await db.execute("CREATE TABLE one (value JSONB UNIQUE)")
        await db.execute("INSERT INTO one (value) VALUES ($1)", [{"b": [1, 2], "a": {"d": 1, "c": 2}}])
        same: dict[str, Any] = {"a": {"c": 2, "d": 1}, "b": [1, 2]}
        assert await db.bulk_insert("one", [{"value": same}], skip_conflicts_on=["value"]) == 0
        assert await db.fetch_one("SELECT 1 AS found FROM one WHERE value = $1", [same]) == {"found": 1}
        other = b'{"b": [2, 1],  "a": {"d": 1, "c": 2}}'
        assert await db.bulk_insert("one", [{"value": other}], skip_conflicts_on=["value"]) == 1

    # --- stream ---

    @pytest.mark.usefixtures("items")
    async def test_stream_yields_all_rows_in_order(self, db: DatabaseInterface) -> None:
        await db.bulk_insert("items", [{"name": f"{number:05}"} for number in range(3000)])
        rows = [
            row async for row in db.stream("SELECT name FROM items WHERE name >= $1 ORDER BY name", ["00010"])
        ]
        assert rows == [{"name": f"{number:05}"} for number in range(10, 3000)]

    @pytest.mark.usefixtures("items")
    async def test_other_queries_run_while_a_stream_is_open(self, db: DatabaseInterface) -> None:
        await db.bulk_insert("items", [{"name": f"{number:05}"} for number in range(3000)])
        count = 0
        async for row in db.stream("SELECT id FROM items"):
            if count % 1000 == 0:
                await db.execute("UPDATE items SET name = name || 'x' WHERE id = $1", [row["id"]])
            count += 1
        assert count == 3000

    @pytest.mark.usefixtures("items")
    async def test_a_stream_inside_a_transaction_sees_its_rows(self, db: DatabaseInterface) -> None:
        async with db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('a')")
            assert [row async for row in db.stream("SELECT name FROM items")] == [{"name": "a"}]

    @pytest.mark.usefixtures("items")
    async def test_a_stream_can_be_left_early_many_times(self, db: DatabaseInterface) -> None:
        await db.bulk_insert("items", [{"name": f"{number:05}"} for number in range(3000)])
        for _ in range(30):
            rows = db.stream("SELECT name FROM items ORDER BY name")
            assert await anext(rows) == {"name": "00000"}
            await rows.aclose()
        assert await db.execute("DELETE FROM items") == 3000

    # --- transactions ---

    @pytest.mark.usefixtures("items")
    async def test_transaction_commit(self, db: DatabaseInterface) -> None:
        async with db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('a')")
            await db.execute("INSERT INTO items (name) VALUES ('b')")
        assert await self._names(db) == ["a", "b"]

    @pytest.mark.usefixtures("items")
    async def test_transaction_rollback(self, db: DatabaseInterface) -> None:
        with pytest.raises(CaseError, match="stop"):
            async with db.transaction():
                await db.execute("INSERT INTO items (name) VALUES ('a')")
                raise CaseError("stop")
        assert await self._names(db) == []
        await db.execute("INSERT INTO items (name) VALUES ('b')")
        assert await self._names(db) == ["b"]

    async def test_a_rolled_back_table_is_gone(self, db: DatabaseInterface) -> None:
        with pytest.raises(CaseError, match="stop"):
            async with db.transaction():
                await db.execute(CREATE_ITEMS)
                await db.execute("INSERT INTO items (name) VALUES ('a')")
                raise CaseError("stop")
        await db.execute(CREATE_ITEMS)
        assert await self._names(db) == []

    @pytest.mark.usefixtures("items")
    async def test_a_nested_transaction_is_a_savepoint(self, db: DatabaseInterface) -> None:
        """Bad input 60."""
        async with db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('outer')")
            with pytest.raises(CaseError, match="stop"):
                async with db.transaction():
                    await db.execute("INSERT INTO items (name) VALUES ('undone')")
                    async with db.transaction():
                        await db.execute("INSERT INTO items (name) VALUES ('undone, too')")
                    raise CaseError("stop")
            async with db.transaction():
                await db.execute("INSERT INTO items (name) VALUES ('inner')")
            await db.execute("INSERT INTO items (name) VALUES ('after')")
        assert await self._names(db) == ["after", "inner", "outer"]

    @pytest.mark.usefixtures("items")
    async def test_rolling_back_the_outer_block_undoes_the_inner_one(self, db: DatabaseInterface) -> None:
        with pytest.raises(CaseError, match="stop"):
            async with db.transaction():
                async with db.transaction():
                    await db.execute("INSERT INTO items (name) VALUES ('inner')")
                raise CaseError("stop")
        assert await self._names(db) == []

    @pytest.mark.usefixtures("items")
    async def test_an_error_caught_around_a_nested_block_leaves_the_outer_one_usable(
        self, db: DatabaseInterface
    ) -> None:
        async with db.transaction():
            await db.execute("INSERT INTO items (name, payload) VALUES ('a', $1)", [{"n": 1}])
            with pytest.raises(ConstraintError):
                async with db.transaction():
                    await db.execute("INSERT INTO items (name) VALUES ('a')")
            with pytest.raises(QueryError):
                async with db.transaction():
                    await db.execute("SELECT * FROM no_such_table")
            for params in UNFIT_PARAMS:
                with pytest.raises((DataError, QueryError)):
                    async with db.transaction():
                        await db.execute("UPDATE items SET id = $1", params)
            await db.execute("INSERT INTO items (name) VALUES ('b')")
        assert await self._names(db) == ["a", "b"]

    @pytest.mark.usefixtures("items")
    async def test_generated_values_survive_a_nested_rollback(self, db: DatabaseInterface) -> None:
        async with db.transaction():
            before = await db.fetch_one("INSERT INTO items (name) VALUES ('a') RETURNING id, created_at")
            with pytest.raises(CaseError, match="stop"):
                async with db.transaction():
                    raise CaseError("stop")
            assert await db.fetch_one("SELECT id, created_at FROM items") == before
        assert await db.fetch_one("SELECT id, created_at FROM items") == before

    @pytest.mark.usefixtures("items")
    async def test_an_error_swallowed_inside_a_transaction_is_not_silent(self, db: DatabaseInterface) -> None:
        """Bad input 59."""
        with pytest.raises(TransactionAbortedError):
            async with db.transaction():
                await db.execute("INSERT INTO items (name) VALUES ('a')")
                with pytest.raises(ConstraintError):
                    await db.execute("INSERT INTO items (name) VALUES ('a')")
        assert await self._names(db) == []

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("params", UNFIT_PARAMS, ids=["too many", "wrong type"])
    async def test_a_swallowed_error_of_what_no_server_saw_is_not_silent_either(
        self, db: DatabaseInterface, params: list[Any]
    ) -> None:
        """Bad input 59."""
        with pytest.raises(TransactionAbortedError):
            async with db.transaction():
                await db.execute("INSERT INTO items (name) VALUES ('a')")
                with pytest.raises((DataError, QueryError)):
                    await db.execute("UPDATE items SET id = $1", params)
        with pytest.raises(TransactionAbortedError):
            async with db.transaction():
                await db.execute("INSERT INTO items (name) VALUES ('a')")
                with pytest.raises((DataError, QueryError)):
                    await anext(db.stream("SELECT * FROM items WHERE id = $1", params))
        assert await self._names(db) == []

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize(
        ("query", "params"),
        [
            ("SELECT * FROM no_such_table", []),
            *(("UPDATE items SET id = $1", params) for params in UNFIT_PARAMS),
        ],
        ids=["wrong query", "too many", "wrong type"],
    )
    async def test_an_error_swallowed_inside_a_nested_block_undoes_that_block(
        self, db: DatabaseInterface, query: str, params: list[Any]
    ) -> None:
        async with db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('outer')")
            with pytest.raises(TransactionAbortedError):
                async with db.transaction():
                    await db.execute("INSERT INTO items (name) VALUES ('inner')")
                    with pytest.raises((DataError, QueryError)):
                        await db.execute(query, params)
            await db.execute("INSERT INTO items (name) VALUES ('after')")
        assert await self._names(db) == ["after", "outer"]

    @pytest.mark.usefixtures("items")
    async def test_a_statement_after_a_swallowed_error_is_refused(self, db: DatabaseInterface) -> None:
        """Bad input 59."""
        with pytest.raises(TransactionAbortedError):
            async with db.transaction():
                with pytest.raises(QueryError):
                    await db.execute("SELECT * FROM no_such_table")
                await db.execute("INSERT INTO items (name) VALUES ('b')")
        assert await self._names(db) == []

    @pytest.mark.usefixtures("items")
    async def test_what_is_not_committed_is_not_seen_from_outside(self, db: DatabaseInterface) -> None:
        async with db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('a')")
            assert await asyncio.create_task(self._names(db)) == []
            assert await self._names(db) == ["a"]
        assert await self._names(db) == ["a"]

    @pytest.mark.usefixtures("items")
    async def test_tasks_started_inside_a_transaction_do_not_join_it(self, db: DatabaseInterface) -> None:
        """Bad input 61."""

        async def insert(name: str) -> int:
            return await db.execute("INSERT INTO items (name) VALUES ($1)", [name])

        with pytest.raises(CaseError, match="stop"):
            async with db.transaction():
                await insert("undone")
                await asyncio.gather(insert("kept 1"), insert("kept 2"))
                outliving = asyncio.create_task(insert("kept 3"))
                raise CaseError("stop")
        assert await outliving == 1
        assert await self._names(db) == ["kept 1", "kept 2", "kept 3"]

    @pytest.mark.usefixtures("items")
    async def test_a_cancelled_transaction_is_rolled_back(self, db: DatabaseInterface) -> None:
        """Bad input 60."""
        written = asyncio.Event()

        async def work() -> None:
            async with db.transaction():
                await db.execute("INSERT INTO items (name) VALUES ('a')")
                written.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await self._names(db) == []

    async def test_parts_of_bytes_and_of_text_are_selected_by_position(self, db: DatabaseInterface) -> None:
        row = await db.fetch_one(
            "SELECT substr($1::bytea, 3, 2) AS bytes, substr($1::bytea, 5, 2) AS late, "
            "substr($2::text, 3, 2) AS text, substr($2::text, 3) AS rest, substr($2::text, -1, 3) AS early, "
            "substr($2::text, 2, 2147483647) AS long, substr($2::text, NULL, 1) AS no_start, "
            "substr($2::text, 1, NULL) AS no_count, substr(NULL::text, 1, 1) AS nothing",
            [b"\0\1\2\3", "äöüß"],
        )
        assert row == {
            "bytes": b"\2\3",
            "late": b"",
            "text": "üß",
            "rest": "üß",
            "early": "ä",
            "long": "öüß",
            "no_start": None,
            "no_count": None,
            "nothing": None,
        }

    # --- bulk_insert ---

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert(self, db: DatabaseInterface) -> None:
        rows = [{"name": f"{number:03}", "payload": {"n": number}} for number in range(100)]
        assert await db.bulk_insert("items", rows) == 100
        assert await db.fetch_one("SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids FROM items") == {
            "n": 100,
            "ids": 100,
        }
        assert await db.fetch_all("SELECT name, payload FROM items ORDER BY name") == rows

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("count", [1, 3, 2000])
    async def test_bulk_insert_takes_columns_as_it_takes_rows(
        self, db: DatabaseInterface, count: int
    ) -> None:
        rows = [{"name": f"{number:04}", "payload": {"n": number}} for number in range(count)]
        columns = Columns({name: [row[name] for row in rows] for name in ("name", "payload")})
        assert await db.bulk_insert("items", columns, batch_size=500) == count
        more = Columns.concatenated([columns, Columns({"name": ["new"], "payload": [None]})])
        assert await db.bulk_insert("items", more, skip_conflicts_on=["name"]) == 1
        found = await db.fetch_all("SELECT name, payload FROM items ORDER BY name")
        assert found == [*rows, {"name": "new", "payload": None}]
        with pytest.raises(ConstraintError):
            await db.bulk_insert("items", Columns({"name": ["other", "new"]}))
        with pytest.raises(ValueError, match="identifier"):
            await db.bulk_insert("items", Columns({"": ["a"]}))
        assert len(await self._names(db)) == count + 1

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert_of_nothing_does_nothing(self, db: DatabaseInterface) -> None:
        assert await db.bulk_insert("items", []) == 0
        assert await db.bulk_insert("items", [], skip_conflicts_on=["name"]) == 0

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert_takes_a_schema(self, db: DatabaseInterface) -> None:
        await db.execute("CREATE SCHEMA other")
        await db.execute("CREATE TABLE other.items (name TEXT UNIQUE)")
        assert await db.bulk_insert("other.items", [{"name": "a"}]) == 1
        assert await db.bulk_insert("other.items", [{"name": "a"}], skip_conflicts_on=["name"]) == 0
        assert await db.fetch_all("SELECT name FROM other.items") == [{"name": "a"}]
        assert await self._names(db) == []

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert_is_all_or_nothing(self, db: DatabaseInterface) -> None:
        rows: list[dict[str, Any]] = [{"name": "a"}, {"name": "b"}, {"name": "a"}]
        with pytest.raises(ConstraintError):
            await db.bulk_insert("items", rows)
        with pytest.raises(ConstraintError):
            await db.bulk_insert("items", [{"name": "a"}, {"name": None}])
        assert await self._names(db) == []

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert_skips_rows_that_clash_on_the_named_columns(
        self, db: DatabaseInterface
    ) -> None:
        assert await db.bulk_insert("items", [{"name": "b"}], skip_conflicts_on=["name"]) == 1
        rows = [{"name": name} for name in ("c", "a", "b", "a")]
        assert await db.bulk_insert("items", rows, skip_conflicts_on=["name"]) == 2
        assert await db.bulk_insert("items", rows, skip_conflicts_on=["name"]) == 0
        assert await self._names(db) == ["a", "b", "c"]

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert_reports_any_other_clash(self, db: DatabaseInterface) -> None:
        await db.execute("INSERT INTO items (id, name) VALUES (1000, 'a')")
        with pytest.raises(ConstraintError):
            await db.bulk_insert("items", [{"id": 1000, "name": "b"}], skip_conflicts_on=["name"])
        assert await self._names(db) == ["a"]

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert_without_the_unique_constraint_is_refused(self, db: DatabaseInterface) -> None:
        await db.execute("CREATE TABLE loose (name TEXT)")
        with pytest.raises(QueryError):
            await db.bulk_insert("loose", [{"name": "a"}], skip_conflicts_on=["name"])
        assert await db.fetch_all("SELECT * FROM loose") == []

    @pytest.mark.usefixtures("items")
    async def test_a_failed_bulk_insert_leaves_its_transaction_usable(self, db: DatabaseInterface) -> None:
        async with db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('before')")
            with pytest.raises(ConstraintError):
                await db.bulk_insert("items", [{"name": "a"}, {"name": "a"}])
            with pytest.raises(QueryError):
                await db.bulk_insert("no_such_table", [{"name": "a"}])
            assert await db.bulk_insert("items", [{"name": "after"}]) == 1
        assert await self._names(db) == ["after", "before"]

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("batch_size", [1, 3, 10, 11])
    async def test_bulk_insert_takes_its_rows_in_batches(
        self, db: DatabaseInterface, batch_size: int
    ) -> None:
        rows = [{"name": str(number)} for number in range(10)]
        assert await db.bulk_insert("items", rows, batch_size=batch_size) == 10
        more = [*rows, {"name": "new"}]
        assert await db.bulk_insert("items", more, skip_conflicts_on=["name"], batch_size=batch_size) == 1
        with pytest.raises(ConstraintError):
            await db.bulk_insert("items", [{"name": "other"}, *rows], batch_size=batch_size)
        assert await self._names(db) == [*map(str, range(10)), "new"]

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert_refuses_batches_without_rows(self, db: DatabaseInterface) -> None:
        with pytest.raises(ValueError, match="batch_size"):
            await db.bulk_insert("items", [{"name": "a"}], batch_size=0)

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert_is_undone_with_its_transaction(self, db: DatabaseInterface) -> None:
        with pytest.raises(CaseError, match="stop"):
            async with db.transaction():
                assert await db.bulk_insert("items", [{"name": "a"}]) == 1
                assert await db.bulk_insert("items", [{"name": "b"}], skip_conflicts_on=["name"]) == 1
                raise CaseError("stop")
        assert await self._names(db) == []

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert_wants_the_same_columns_in_every_row(self, db: DatabaseInterface) -> None:
        """Bad input 27."""
        rows_of_two_kinds: list[list[dict[str, Any]]] = [
            [{"name": "a"}, {"name": "b", "payload": {}}],
            [{"name": "a", "payload": {}}, {"name": "b"}],
            [{"name": "a"}, {"payload": {}}],
            [{}],
        ]
        for rows in rows_of_two_kinds:
            with pytest.raises(ValueError, match="row"):
                await db.bulk_insert("items", rows)
        with pytest.raises(ValueError, match="payload"):
            await db.bulk_insert("items", [{"name": "a"}], skip_conflicts_on=["payload"])
        assert await self._names(db) == []

    @pytest.mark.usefixtures("items")
    async def test_bulk_insert_takes_the_columns_of_a_row_in_any_order(self, db: DatabaseInterface) -> None:
        rows: list[dict[str, Any]] = [{"name": "a", "payload": {}}, {"payload": {}, "name": "b"}]
        assert await db.bulk_insert("items", rows) == 2
        assert await self._names(db) == ["a", "b"]

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    async def test_bulk_insert_refuses_what_is_not_an_identifier(
        self, db: DatabaseInterface, name: str
    ) -> None:
        """Bad input 69."""
        with pytest.raises(ValueError, match="identifier"):
            await db.bulk_insert(name, [{"name": "a"}])
        with pytest.raises(ValueError, match="identifier"):
            await db.bulk_insert("items", [{name: "a"}])
        assert await self._names(db) == []

    async def test_bulk_insert_reports_what_does_not_exist(self, db: DatabaseInterface) -> None:
        with pytest.raises(QueryError):
            await db.bulk_insert("no_such_table", [{"name": "a"}])
        await db.execute(CREATE_ITEMS)
        with pytest.raises(QueryError):
            await db.bulk_insert("items", [{"no_such_column": "a"}])

    @pytest.mark.usefixtures("items")
    async def test_writers_of_the_same_keys_do_not_deadlock(self, db: DatabaseInterface) -> None:
        """Bad input 63."""
        keys = [{"name": f"{number:04}"} for number in range(500)]
        counts = await asyncio.gather(
            *(
                db.bulk_insert("items", keys if turn % 2 else keys[::-1], skip_conflicts_on=["name"])
                for turn in range(6)
            )
        )
        assert sum(counts) == 500

    # --- lock ---

    async def test_a_lock_lets_one_in_at_a_time(self, db: DatabaseInterface) -> None:
        inside = 0
        most = 0

        async def work() -> None:
            nonlocal inside, most
            async with db.lock("name", timeout=30):
                inside += 1
                most = max(most, inside)
                await db.execute("SELECT 1")
                inside -= 1

        await asyncio.gather(*(work() for _ in range(5)))
        assert most == 1

    async def test_a_lock_that_is_held_raises_after_the_timeout(self, db: DatabaseInterface) -> None:
        async with db.lock("name", timeout=0):
            for timeout in (0, 0.05):
                with pytest.raises(LockTimeoutError, match="name"):
                    async with db.lock("name", timeout=timeout):
                        pass

    async def test_locks_of_other_names_do_not_wait(self, db: DatabaseInterface) -> None:
        async with db.lock("one", timeout=0), db.lock("two", timeout=0):
            pass

    async def test_a_lock_is_freed_by_an_error(self, db: DatabaseInterface) -> None:
        with pytest.raises(CaseError, match="stop"):
            async with db.lock("name", timeout=0):
                raise CaseError("stop")
        async with db.lock("name", timeout=0):
            pass

    async def test_transactions_come_and_go_under_a_lock(self, db: DatabaseInterface) -> None:
        async with db.lock("name", timeout=0):
            async with db.transaction():
                await db.execute(CREATE_ITEMS)
            with pytest.raises(LockTimeoutError):
                async with db.lock("name", timeout=0):
                    pass
        assert await self._names(db) == []

    async def _names(self, db: DatabaseInterface) -> list[str]:
        return [row["name"] for row in await db.fetch_all("SELECT name FROM items ORDER BY name")]
