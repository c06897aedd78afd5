"""What a cancelled call leaves behind: nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

import pytest

from platform_interfaces import (
    DatabaseError,
    DatabaseInterface,
    LockTimeoutError,
    QueryError,
    TransactionConflictError,
)
from platform_interfaces.testing._support import (
    CALLS,
    CaseError,
    bounded,
    give_turns,
    insert,
    names,
    round_trips,
)

ROW = {"name": "a"}
MANY_ROWS = [{"name": f"{number:04}"} for number in range(1500)]


async def _in_a_transaction(db: DatabaseInterface) -> None:
    async with db.transaction():
        await insert(db, "a")


async def _in_a_stream(db: DatabaseInterface) -> None:
    async with db.transaction():
        await insert(db, "b")
        async with aclosing(db.stream("SELECT name FROM items")) as rows:
            await anext(rows)
            await insert(db, "a")


# Each inserts the row 'a', and waits where another transaction has inserted it.
INSERTS: dict[str, Callable[[DatabaseInterface], Awaitable[Any]]] = {
    "execute": lambda db: db.execute("INSERT INTO items (name) VALUES ($1)", ["a"]),
    "execute without parameters": lambda db: db.execute("INSERT INTO items (name) VALUES ('a')"),
    "fetch_one": lambda db: db.fetch_one("INSERT INTO items (name) VALUES ('a') RETURNING id"),
    "fetch_all": lambda db: db.fetch_all("INSERT INTO items (name) VALUES ('a') RETURNING id"),
    "transaction": _in_a_transaction,
    "stream": _in_a_stream,
    "bulk_insert": lambda db: db.bulk_insert("items", [ROW]),
    "bulk_insert of many": lambda db: db.bulk_insert("items", [*MANY_ROWS, ROW]),
    "bulk_insert with a key": lambda db: db.bulk_insert("items", [ROW], skip_conflicts_on=["name"]),
}


class DatabaseCancellationCases:
    """A call ends with its ``CancelledError``: no statement runs on, no connection stays taken.

    Databases differ in what a write does that meets another open transaction's: it waits, it raises
    ``TransactionConflictError`` at once, or the other one does so at its end. All of them are right here.
    """

    connections: int = 10
    """How many connections ``database`` has for statements, at most; cases go beyond that."""

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("call", INSERTS.values(), ids=INSERTS.keys())
    async def test_a_cancelled_statement_does_not_run_on(
        self, db: DatabaseInterface, call: Callable[[DatabaseInterface], Awaitable[Any]]
    ) -> None:
        # A server may overlook a cancellation; see the notes on
        # https://www.postgresql.org/docs/current/libpq-cancel.html. It does not overlook all of them.
        await self._make_connections(db)
        found = [await self._cancel_while_it_waits(db, call) for _ in range(3)]
        assert [] in found

    async def _cancel_while_it_waits(
        self, db: DatabaseInterface, call: Callable[[DatabaseInterface], Awaitable[Any]]
    ) -> list[str]:
        """Return what is in the table after a cancelled call; nothing where it ended before."""
        outcome: object = None
        with pytest.raises(CaseError, match="stop"):
            async with bounded(), db.transaction():
                await insert(db, "a")
                task = asyncio.ensure_future(call(db))
                await round_trips(db)
                task.cancel()
                [outcome] = await asyncio.gather(task, return_exceptions=True)
                raise CaseError("stop")
        await round_trips(db)
        await self._wait_for_writes(db)
        found = await names(db)
        await db.execute("DELETE FROM items")
        if not isinstance(outcome, BaseException):
            return []
        assert isinstance(outcome, asyncio.CancelledError | TransactionConflictError)
        return found

    async def _make_connections(self, db: DatabaseInterface) -> None:
        """Make all connections, or a call would be cancelled while it waits for a new one."""
        await asyncio.gather(*(db.execute("SELECT 1") for _ in range(self.connections)))

    async def _wait_for_writes(self, db: DatabaseInterface) -> None:
        """Wait until statements that run on have written, where the database has locks on tables."""
        with suppress(QueryError):
            async with db.transaction():
                await db.execute("LOCK TABLE items IN SHARE ROW EXCLUSIVE MODE")

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("call", INSERTS.values(), ids=INSERTS.keys())
    async def test_a_cancelled_call_gives_its_connection_back(
        self, db: DatabaseInterface, call: Callable[[DatabaseInterface], Awaitable[Any]]
    ) -> None:
        await self._make_connections(db)
        with pytest.raises(CaseError, match="stop"):
            async with bounded(), db.transaction():
                await insert(db, "a")
                for _ in range(self.connections):
                    task = asyncio.ensure_future(call(db))
                    await round_trips(db, 20)
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                assert await asyncio.create_task(db.execute("SELECT 1")) == 1
                raise CaseError("stop")
        async with bounded():
            assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
    async def test_a_call_can_be_cancelled_at_any_of_its_steps(
        self, db: DatabaseInterface, call: Callable[[DatabaseInterface], Awaitable[Any]]
    ) -> None:
        async with bounded():
            for turns in range(2 * self.connections):
                task = asyncio.ensure_future(call(db))
                await give_turns(turns)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}
            async with db.lock("a lock of the suite", timeout=10):
                pass
        assert await names(db) == []

    @pytest.mark.usefixtures("items")
    async def test_an_error_gives_the_connection_back(self, db: DatabaseInterface) -> None:
        async with bounded():
            for _ in range(self.connections + 1):
                for call in (
                    db.execute("SELECT * FROM no_such_table"),
                    db.fetch_one("SELECT $1::int AS n", ["text"]),
                    db.fetch_all("SELECT 1", [1, 2]),
                    db.bulk_insert("items", [{"name": None}]),
                    anext(db.stream("SELECT * FROM no_such_table")),
                ):
                    with pytest.raises(DatabaseError) as caught:
                        await call
                    assert caught.value.is_transient is False
            assert await db.execute("SELECT 1") == 1

    async def test_locks_leave_the_connections_to_statements(self, db: DatabaseInterface) -> None:
        """Neither who holds a lock nor who waits for one takes a connection of the pool."""
        is_held, is_done = asyncio.Barrier(self.connections + 2), asyncio.Event()

        async def hold(name: str) -> None:
            async with db.lock(name, timeout=10):
                await is_held.wait()
                await is_done.wait()

        async def wait_for(name: str) -> None:
            async with db.lock(name, timeout=60):
                raise AssertionError("the lock was held")

        async with bounded(), asyncio.TaskGroup() as group:
            for number in range(self.connections + 1):
                group.create_task(hold(f"lock {number}"))
            await is_held.wait()
            waiters = [asyncio.create_task(wait_for("lock 0")) for _ in range(self.connections + 1)]
            await round_trips(db)
            async with db.transaction():
                assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}
            for waiter in waiters:
                waiter.cancel()
            outcomes = await asyncio.gather(*waiters, return_exceptions=True)
            is_done.set()
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        async with db.lock("lock 0", timeout=5):
            pass

    async def test_a_cancelled_holder_frees_its_lock(self, db: DatabaseInterface) -> None:
        is_held = asyncio.Event()

        async def hold() -> None:
            async with db.lock("name", timeout=0):
                is_held.set()
                await asyncio.Event().wait()

        holder = asyncio.create_task(hold())
        async with bounded():
            await is_held.wait()
            with pytest.raises(LockTimeoutError):
                async with db.lock("name", timeout=0):
                    pass
            assert await db.is_locked("name")
            holder.cancel()
            await asyncio.gather(holder, return_exceptions=True)
            async with db.lock("name", timeout=2):
                pass
            assert not await db.is_locked("name")
