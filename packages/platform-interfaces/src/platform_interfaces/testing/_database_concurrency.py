"""What tasks that use one database at once may rely on."""

import asyncio
from contextlib import aclosing

import pytest

from platform_interfaces import (
    ConstraintError,
    DatabaseInterface,
    DataError,
    QueryError,
    TransactionConflictError,
)
from platform_interfaces.testing._support import CaseError, bounded, insert, names


class DatabaseConcurrencyCases:
    """Transactions belong to their task, and results to their call."""

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("undone", ["first", "second"])
    @pytest.mark.parametrize("late", ["first", "second"])
    async def test_transactions_of_sibling_tasks_are_independent(
        self, db: DatabaseInterface, undone: str, late: str
    ) -> None:
        both, is_ended = asyncio.Barrier(2), asyncio.Event()
        seen: dict[str, list[str]] = {}

        async def work(name: str) -> None:
            try:
                async with db.transaction():
                    await insert(db, name)
                    await both.wait()
                    seen[name] = await names(db)
                    await both.wait()
                    if name == late:
                        await is_ended.wait()
                    if name == undone:
                        raise CaseError("stop")
            finally:
                is_ended.set()

        async with bounded():
            results = await asyncio.gather(work("first"), work("second"), return_exceptions=True)
        assert seen == {"first": ["first"], "second": ["second"]}
        assert [str(result) for result in results if result is not None] == ["stop"]
        assert await names(db) == ["second" if undone == "first" else "first"]

    @pytest.mark.usefixtures("items")
    async def test_a_task_started_inside_a_transaction_has_transactions_of_its_own(
        self, db: DatabaseInterface
    ) -> None:
        async def work(name: str) -> None:
            async with db.transaction():
                await insert(db, name)

        with pytest.raises(CaseError, match="stop"):
            async with bounded(), db.transaction():
                await insert(db, "undone")
                await asyncio.gather(*(work(f"kept {number}") for number in range(3)))
                assert await names(db) != []
                raise CaseError("stop")
        assert await names(db) == ["kept 0", "kept 1", "kept 2"]

    @pytest.mark.usefixtures("items")
    async def test_statements_after_a_transaction_are_kept_by_themselves(self, db: DatabaseInterface) -> None:
        async with db.transaction():
            await insert(db, "committed")
        await insert(db, "after a commit")
        assert await asyncio.create_task(names(db)) == ["after a commit", "committed"]
        with pytest.raises(CaseError, match="stop"):
            async with db.transaction():
                raise CaseError("stop")
        await insert(db, "after a rollback")
        assert await asyncio.create_task(names(db)) == ["after a commit", "after a rollback", "committed"]

    @pytest.mark.usefixtures("items")
    async def test_each_nested_block_is_undone_alone(self, db: DatabaseInterface) -> None:
        async with db.transaction():
            await insert(db, "1 outer")
            async with db.transaction():
                await insert(db, "2 middle")
                for name in ("undone", "undone, too"):
                    with pytest.raises(CaseError, match="stop"):
                        async with db.transaction():
                            await insert(db, name)
                            async with db.transaction():
                                await insert(db, f"inside {name}")
                            raise CaseError("stop")
                    async with db.transaction():
                        await insert(db, f"3 after {name}")
                await insert(db, "4 middle")
            await insert(db, "5 outer")
        assert await names(db) == [
            "1 outer",
            "2 middle",
            "3 after undone",
            "3 after undone, too",
            "4 middle",
            "5 outer",
        ]

    @pytest.mark.usefixtures("items")
    async def test_an_undone_transaction_blocks_no_other(self, db: DatabaseInterface) -> None:
        with pytest.raises(CaseError, match="stop"):
            async with db.transaction():
                await insert(db, "a")
                raise CaseError("stop")
        async with bounded():
            assert await asyncio.create_task(insert(db, "a")) == 1
        assert await names(db) == ["a"]

    @pytest.mark.usefixtures("items")
    async def test_of_two_transactions_with_one_key_one_is_kept_and_one_raises(
        self, db: DatabaseInterface
    ) -> None:
        both = asyncio.Barrier(2)

        async def work() -> None:
            async with db.transaction():
                await db.execute("SELECT 1")
                await both.wait()
                await insert(db, "a")

        async with bounded():
            results = await asyncio.gather(work(), work(), return_exceptions=True)
        [failure] = [result for result in results if result is not None]
        assert isinstance(failure, ConstraintError | TransactionConflictError)
        assert await names(db) == ["a"]

    async def test_a_refused_commit_raises_and_keeps_nothing(self, db: DatabaseInterface) -> None:
        try:
            await db.execute("CREATE TABLE late (id INTEGER UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        except QueryError:
            pytest.skip("the database has no deferred constraints: it refuses no commit because of them")
        with pytest.raises(ConstraintError):
            async with db.transaction():
                await db.execute("INSERT INTO late VALUES (1), (1)")
        assert await db.fetch_all("SELECT id FROM late") == []

    @pytest.mark.usefixtures("items")
    async def test_a_deadlock_is_an_error_that_a_retry_helps(self, db: DatabaseInterface) -> None:
        await db.execute("CREATE TABLE counts (name TEXT, n INTEGER)")
        await db.execute("INSERT INTO counts VALUES ('a', 0), ('b', 0)")
        both = asyncio.Barrier(2)

        async def work(first: str, second: str) -> None:
            async with db.transaction():
                await db.execute("UPDATE counts SET n = n + 1 WHERE name = $1", [first])
                await both.wait()
                await db.execute("UPDATE counts SET n = n + 1 WHERE name = $1", [second])

        async with bounded():
            results = await asyncio.gather(work("a", "b"), work("b", "a"), return_exceptions=True)
        failures = [result for result in results if result is not None]
        assert failures
        for failure in failures:
            assert isinstance(failure, TransactionConflictError)
            assert failure.is_transient is True
        committed = 2 - len(failures)
        assert await db.fetch_all("SELECT n FROM counts") == [{"n": committed}, {"n": committed}]

    async def test_calls_at_once_have_their_own_parameters_and_results(self, db: DatabaseInterface) -> None:
        async def ask(number: int) -> None:
            params = [number]
            assert await db.fetch_one("SELECT $1::int AS n", params) == {"n": number}
            assert await db.fetch_all("SELECT $1::int + 1 AS n", params) == [{"n": number + 1}]
            assert [row async for row in db.stream("SELECT $1::int AS n", params)] == [{"n": number}]
            assert params == [number]

        async with bounded():
            await asyncio.gather(*(ask(number) for number in range(30)))

    @pytest.mark.usefixtures("items")
    async def test_fetch_one_returns_the_first_of_many_rows(self, db: DatabaseInterface) -> None:
        await db.execute("INSERT INTO items (name) VALUES ('b'), ('a'), ('c')")
        assert await db.fetch_one("SELECT name FROM items ORDER BY name") == {"name": "a"}
        assert await db.fetch_one("SELECT name FROM items ORDER BY name DESC") == {"name": "c"}

    @pytest.mark.usefixtures("items")
    async def test_a_stream_does_not_read_all_rows_first(self, db: DatabaseInterface) -> None:
        """Its last row is an error, which whoever had read that far would have met."""
        await db.bulk_insert("items", [{"name": str(number)} for number in range(500)])
        query = (
            "SELECT CASE WHEN a.name = '499' AND b.name = '499' THEN 'none' ELSE '1' END::integer AS n "
            "FROM items AS a, items AS b"
        )
        rows, count = db.stream(query), 0
        async with bounded(), aclosing(rows):
            assert await anext(rows) == {"n": 1}
            with pytest.raises(DataError):
                async for _ in rows:
                    count += 1
        assert 1000 <= count < 250_000
        assert await names(db) != []

    @pytest.mark.usefixtures("items")
    async def test_a_stream_left_early_leaves_its_transaction_usable(self, db: DatabaseInterface) -> None:
        await db.bulk_insert("items", [{"name": f"{number:05}"} for number in range(3000)])
        async with bounded(), db.transaction():
            for _ in range(3):
                async with aclosing(db.stream("SELECT name FROM items ORDER BY name")) as rows:
                    assert await anext(rows) == {"name": "00000"}
                assert await db.execute("UPDATE items SET payload = NULL WHERE name = '00000'") == 1
            await insert(db, "x")
        assert len(await names(db)) == 3001
