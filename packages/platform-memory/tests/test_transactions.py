import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from platform_interfaces import (
    ConstraintError,
    DatabaseError,
    LockTimeoutError,
    QueryError,
    Row,
    TransactionAbortedError,
    TransactionConflictError,
)
from platform_memory import MemoryDatabase


class Undo(Exception):  # noqa: N818 - nothing went wrong
    pass


@pytest_asyncio.fixture
async def db() -> AsyncIterator[MemoryDatabase]:
    async with MemoryDatabase() as database:
        await database.execute("""
            CREATE TABLE items (
                id BIGSERIAL PRIMARY KEY,
                name TEXT UNIQUE,
                token UUID DEFAULT gen_random_uuid(),
                created_at TIMESTAMPTZ DEFAULT NOW(),
                changed_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
            )
        """)
        yield database


async def undone_block(db: MemoryDatabase) -> None:
    with pytest.raises(Undo):
        async with db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('undone')")
            raise Undo


async def items(db: MemoryDatabase) -> list[Row]:
    return await db.fetch_all("SELECT * FROM items ORDER BY id")


async def test_ids_times_and_random_values_survive_the_rollback_of_a_nested_block(db: MemoryDatabase) -> None:
    async with db.transaction():
        await db.execute("INSERT INTO items (name) VALUES ('a'), ('b')")
        await db.bulk_insert("items", [{"name": "c"}, {"name": "a"}], skip_conflicts_on=["name"])
        await db.execute("UPDATE items SET token = gen_random_uuid() WHERE name = 'b'")
        before = await items(db)
        await undone_block(db)
        assert await items(db) == before
        await undone_block(db)
        await db.execute("INSERT INTO items (name) VALUES ('d')")
    assert (await items(db))[:3] == before


async def test_ids_that_others_got_meanwhile_are_not_given_again(db: MemoryDatabase) -> None:
    async with db.transaction():
        mine = await db.fetch_one("INSERT INTO items (name) VALUES ('mine') RETURNING *")
        await asyncio.create_task(db.execute("INSERT INTO items (name) VALUES ('theirs')"))
        await undone_block(db)
        assert await db.fetch_one("SELECT * FROM items WHERE name = 'mine'") == mine
        await db.execute("INSERT INTO items (name) VALUES ('mine, too')")
    await db.execute("INSERT INTO items (name) VALUES ('last')")
    assert [row["name"] for row in await items(db)] == ["mine", "theirs", "mine, too", "last"]


async def test_tables_made_before_a_nested_rollback_stay_with_their_sequences(db: MemoryDatabase) -> None:
    async with db.transaction():
        await db.execute("CREATE TABLE fresh (id SERIAL PRIMARY KEY, name TEXT)")
        await db.execute("INSERT INTO fresh (name) VALUES ('a')")
        await undone_block(db)
        await db.execute("INSERT INTO fresh (name) VALUES ('b')")
    assert await db.fetch_all("SELECT * FROM fresh ORDER BY id") == [
        {"id": 1, "name": "a"},
        {"id": 2, "name": "b"},
    ]


async def test_what_cannot_be_repeated_with_the_same_result_is_a_conflict(db: MemoryDatabase) -> None:
    with pytest.raises(TransactionConflictError, match="retry the whole transaction"):
        async with db.transaction():
            await db.execute("INSERT INTO items (name) SELECT COUNT(*)::text FROM items")
            await asyncio.create_task(db.execute("INSERT INTO items (name) VALUES ('theirs')"))
            await undone_block(db)
    assert [row["name"] for row in await items(db)] == ["theirs"]


async def test_ids_go_on_after_a_conflict(db: MemoryDatabase) -> None:
    await test_what_cannot_be_repeated_with_the_same_result_is_a_conflict(db)
    await db.execute("INSERT INTO items (name) VALUES ('after')")
    assert [row["name"] for row in await items(db)] == ["theirs", "after"]


async def test_an_error_swallowed_in_a_nested_block_undoes_that_block_only(db: MemoryDatabase) -> None:
    async with db.transaction():
        await db.execute("INSERT INTO items (name) VALUES ('outer')")
        with pytest.raises(TransactionAbortedError, match="swallowed"):
            async with db.transaction():
                await db.execute("INSERT INTO items (name) VALUES ('inner')")
                with pytest.raises(ConstraintError):
                    await db.execute("INSERT INTO items (name) VALUES ('outer')")
    assert [row["name"] for row in await items(db)] == ["outer"]


@pytest.mark.parametrize(
    "params", [["a\0b"], [object()], [], ["a", "b"]], ids=["NUL", "no value", "none", "two"]
)
async def test_a_swallowed_error_about_parameters_is_not_silent_either(
    db: MemoryDatabase, params: list[object]
) -> None:
    with pytest.raises(TransactionAbortedError, match="swallowed"):
        async with db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('kept?')")
            with pytest.raises(DatabaseError):
                await db.execute("INSERT INTO items (name) VALUES ($1)", params)
    assert await items(db) == []


async def test_truncating_a_table_can_be_undone_and_repeated(db: MemoryDatabase) -> None:
    await db.execute("INSERT INTO items (name) VALUES ('a')")
    async with db.transaction():
        with pytest.raises(Undo):
            async with db.transaction():
                await db.execute("TRUNCATE items")
                raise Undo
        assert len(await items(db)) == 1
        await db.execute("TRUNCATE TABLE items")
        await undone_block(db)
    assert await items(db) == []


async def test_two_writers_of_one_row_conflict(db: MemoryDatabase) -> None:
    await db.execute("INSERT INTO items (name) VALUES ('a')")
    async with db.transaction():
        await db.execute("UPDATE items SET name = 'mine'")
        with pytest.raises(TransactionConflictError) as caught:
            await asyncio.create_task(db.execute("UPDATE items SET name = 'theirs'"))
    assert caught.value.is_transient
    assert [row["name"] for row in await items(db)] == ["mine"]


async def test_the_second_to_commit_a_key_conflicts(db: MemoryDatabase) -> None:
    with pytest.raises(TransactionConflictError, match="duplicate key"):
        async with db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('same')")
            await asyncio.create_task(db.execute("INSERT INTO items (name) VALUES ('same')"))
    assert len(await items(db)) == 1


async def test_a_key_can_go_and_come_back_within_a_transaction(db: MemoryDatabase) -> None:
    await db.execute("INSERT INTO items (name) VALUES ('a'), ('b')")
    async with db.transaction():
        await db.execute("DELETE FROM items WHERE name = 'a'")
        await db.execute("INSERT INTO items (name) VALUES ('a')")
        await db.execute("UPDATE items SET name = 'c' WHERE name = 'b'")
        await db.execute("INSERT INTO items (name) VALUES ('b')")
        await db.execute("UPDATE items SET id = id + 1")
    assert sorted(row["name"] for row in await items(db)) == ["a", "b", "c"]


async def test_a_failed_statement_of_several_undoes_them_all(db: MemoryDatabase) -> None:
    with pytest.raises(ConstraintError):
        await db.execute("INSERT INTO items (name) VALUES ('a'); INSERT INTO items (name) VALUES ('a')")
    assert await items(db) == []


@pytest.mark.parametrize("query", ["BEGIN", "COMMIT", "ROLLBACK", "SELECT 1; COMMIT"])
async def test_transactions_are_not_ended_by_statements(db: MemoryDatabase, query: str) -> None:
    with pytest.raises(QueryError, match=r"transaction\(\)"):
        async with db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('a')")
            await db.execute(query)
    assert await items(db) == []


async def test_a_replaced_error_keeps_nothing_open(db: MemoryDatabase) -> None:
    """The block's error wins over anything that was going on, and the next transaction starts afresh."""
    with pytest.raises(DatabaseError):
        async with db.transaction(), db.transaction():
            await db.execute("INSERT INTO items (name) VALUES ('a')")
            await db.execute("SELECT * FROM no_such_table")
    async with db.transaction():
        await db.execute("INSERT INTO items (name) VALUES ('a')")
    assert len(await items(db)) == 1


async def test_a_lock_is_handed_on_in_the_order_of_asking(db: MemoryDatabase) -> None:
    order: list[int] = []

    async def work(number: int) -> None:
        async with db.lock("name", timeout=30):
            order.append(number)
            await db.execute("SELECT 1")

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(work(number))
    assert order == [0, 1, 2, 3, 4]


def test_a_lock_serves_one_event_loop_after_another() -> None:
    db = MemoryDatabase()

    async def contend() -> None:
        async with db, db.lock("name", timeout=0):
            waiter = asyncio.create_task(hold())
            with pytest.raises(LockTimeoutError):
                await waiter

    async def hold() -> None:
        async with db.lock("name", timeout=0.01):
            pass

    asyncio.run(contend())
    asyncio.run(contend())
