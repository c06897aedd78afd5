"""What ``open_query`` returns, and what it refuses."""

from typing import Any

import pytest

from platform_interfaces import DatabaseError, DatabaseInterface, QueryError, ReadOnlyError
from platform_interfaces.testing._support import bounded, insert, names

# Each changes something, and is refused by the database where it may only read.
CHANGES = [
    "INSERT INTO items (name) VALUES ('new')",
    "INSERT INTO items (name) VALUES ('new') RETURNING id",
    "UPDATE items SET name = 'new'",
    "UPDATE items SET name = 'new' RETURNING name",
    "DELETE FROM items",
    "TRUNCATE items",
    "DROP TABLE items",
    "ALTER TABLE items ADD COLUMN more INTEGER",
    "CREATE TABLE others (id INTEGER)",
    "CREATE TABLE others AS SELECT name FROM items",
    "WITH added AS (INSERT INTO items (name) VALUES ('new') RETURNING name) SELECT name FROM added",
    "EXPLAIN ANALYZE INSERT INTO items (name) VALUES ('new')",
    "COMMIT",
    "BEGIN",
]


async def run(db: DatabaseInterface, query: str, *, is_read_only: bool = True) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    async with bounded(), db.open_query(query, is_read_only=is_read_only) as result:
        return [row async for row in result.rows]


class DatabaseQueryCases:
    """A person asks whatever they like, and changes nothing unless they say so."""

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("is_read_only", [True, False])
    async def test_a_query_has_columns_and_rows_in_their_order(
        self, db: DatabaseInterface, is_read_only: bool
    ) -> None:
        await db.execute("INSERT INTO items (name, payload) VALUES ('a', $1), ('b', NULL)", [{"n": 1}])
        query = "SELECT payload, name, 1 AS name FROM items ORDER BY items.name"
        async with db.open_query(query, is_read_only=is_read_only) as result:
            assert result.columns == ("payload", "name", "name")
            assert [row async for row in result.rows] == [({"n": 1}, "a", 1), (None, "b", 1)]

    @pytest.mark.usefixtures("items")
    async def test_a_query_without_rows_has_columns(self, db: DatabaseInterface) -> None:
        async with db.open_query("SELECT id, name FROM items", is_read_only=True) as result:
            assert result.columns == ("id", "name")
            assert [row async for row in result.rows] == []

    async def test_an_explanation_is_a_query(self, db: DatabaseInterface) -> None:
        assert await run(db, "EXPLAIN SELECT 1") != []

    async def test_a_query_of_many_rows_has_them_all(self, db: DatabaseInterface) -> None:
        rows = await run(db, "SELECT n FROM generate_series(1, 2500) AS numbers (n)")
        assert rows == [(number,) for number in range(1, 2501)]

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("query", CHANGES)
    async def test_a_query_that_may_only_read_changes_nothing(
        self, db: DatabaseInterface, query: str
    ) -> None:
        await insert(db, "a")
        with pytest.raises(QueryError):
            await run(db, query)
        assert await db.fetch_all("SELECT name FROM items") == [{"name": "a"}]
        with pytest.raises(QueryError):
            await db.execute("SELECT * FROM others")
        assert await db.execute("UPDATE items SET name = 'b'") == 1  # with the same connections

    @pytest.mark.usefixtures("items")
    async def test_what_may_only_read_says_so(self, db: DatabaseInterface) -> None:
        for query in ("INSERT INTO items (name) VALUES ('a') RETURNING id", "DELETE FROM items"):
            with pytest.raises(ReadOnlyError):
                await run(db, query)

    @pytest.mark.usefixtures("items")
    async def test_a_sequence_stays_where_it_is(self, db: DatabaseInterface) -> None:
        await db.execute("CREATE SEQUENCE numbers")
        with pytest.raises(ReadOnlyError):
            await run(db, "SELECT nextval('numbers')")
        assert await db.fetch_one("SELECT nextval('numbers') AS n") == {"n": 1}

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("is_read_only", [True, False])
    @pytest.mark.parametrize(
        "query",
        ["SELECT 1; DELETE FROM items", "COMMIT; DELETE FROM items", "DELETE FROM items; SELECT 1"],
    )
    async def test_of_several_statements_none_is_run(
        self, db: DatabaseInterface, query: str, is_read_only: bool
    ) -> None:
        await insert(db, "a")
        with pytest.raises(QueryError):
            await run(db, query, is_read_only=is_read_only)
        assert await names(db) == ["a"]

    @pytest.mark.usefixtures("items")
    async def test_a_query_that_may_write_is_committed(self, db: DatabaseInterface) -> None:
        query = "INSERT INTO items (name) VALUES ('a'), ('b')"
        async with db.open_query(query, is_read_only=False) as result:
            assert (result.columns, result.changed) == ((), 2)
            assert [row async for row in result.rows] == []
        query = "INSERT INTO items (name) VALUES ('c') RETURNING name;"
        assert await run(db, query, is_read_only=False) == [("c",)]
        assert await run(db, "CREATE TABLE others (id INTEGER)", is_read_only=False) == []
        assert await names(db) == ["a", "b", "c"]
        assert await run(db, "SELECT id FROM others") == []

    @pytest.mark.usefixtures("items")
    async def test_an_error_in_the_block_undoes_what_returns_rows(self, db: DatabaseInterface) -> None:
        query = "INSERT INTO items (name) VALUES ('a') RETURNING name"
        with pytest.raises(RuntimeError, match="stop"):
            async with db.open_query(query, is_read_only=False) as result:
                assert await anext(result.rows) == ("a",)
                raise RuntimeError("stop")
        assert await names(db) == []

    @pytest.mark.usefixtures("items")
    async def test_a_query_does_not_join_a_transaction(self, db: DatabaseInterface) -> None:
        async with db.transaction():
            await insert(db, "a")
            assert await run(db, "SELECT name FROM items") == []

    @pytest.mark.usefixtures("items")
    async def test_a_query_left_early_or_failed_leaves_nothing_open(self, db: DatabaseInterface) -> None:
        for _ in range(12):
            async with db.open_query("SELECT 1 AS one UNION ALL SELECT 2", is_read_only=True) as result:
                await anext(result.rows)
            with pytest.raises(DatabaseError):
                await run(db, "SELECT * FROM no_such_table")
        async with bounded():
            await db.execute("ALTER TABLE items ADD COLUMN more INTEGER")
