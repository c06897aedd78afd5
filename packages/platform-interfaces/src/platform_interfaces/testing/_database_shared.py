"""What holds between several users of one database: other instances and other processes."""

import asyncio
import inspect
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio

from platform_interfaces import ConnectionLostError, DatabaseInterface, LockTimeoutError, QueryError
from platform_interfaces.testing._capabilities import requires
from platform_interfaces.testing._support import (
    bounded,
    insert,
    names,
    round_trips,
    start_child,
    wait_for_child,
)

OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def _hold_lock(db: DatabaseInterface, is_held: int) -> int:
    """Hold the lock for ever; write a byte to the pipe ``is_held`` once it is acquired."""
    await db.connect()
    async with db.lock("name", timeout=0):
        os.write(is_held, b"1")
        await asyncio.Event().wait()
    return 0


class DatabaseSharedCases:
    """A second instance on the same database sees the same data and the same locks."""

    is_shared: bool | None = None
    """Whether a second instance can open the same database; with None the suite finds out, and cases that
    need one are skipped where it cannot."""

    @pytest.fixture
    def another_database(self, request: pytest.FixtureRequest) -> DatabaseInterface | None:
        """Return a second instance on the same database, not yet connected.

        By default it is made by calling the subscriber's fixture ``database`` once more, with the same
        arguments; a subscriber whose fixture makes a new database each time gives one of its own.
        """
        make: Any = inspect.unwrap(type(self).database)  # type: ignore[attr-defined]
        if inspect.isgeneratorfunction(make) or not inspect.isfunction(make):
            return None
        arguments = list(inspect.signature(make).parameters)[1:]
        try:
            another = make(self, **{name: request.getfixturevalue(name) for name in arguments})
        except NotImplementedError:  # the subscriber's fixture stands outside its class
            return None
        return another if isinstance(another, DatabaseInterface) else None

    @pytest_asyncio.fixture
    async def another(
        self, db: DatabaseInterface, another_database: DatabaseInterface | None
    ) -> AsyncIterator[DatabaseInterface]:
        """Yield the second instance, connected for the length of the test."""
        if another_database is None or not await self._is_same(db, another_database):
            assert not self.is_shared, "give a fixture 'another_database', or set is_shared to False"
            pytest.skip("a second instance on the same database cannot be made")
        async with another_database as another:
            yield another

    async def _is_same(self, db: DatabaseInterface, another: DatabaseInterface) -> bool:
        await db.execute("CREATE TABLE is_shared (id INTEGER)")
        try:
            async with another:
                await another.execute("DROP TABLE is_shared")
        except QueryError:
            await db.execute("DROP TABLE is_shared")
            return False
        return True

    async def kill_connections(self, another: DatabaseInterface) -> None:
        """End all connections but one of ``another``; a subscriber may know another way."""
        await another.execute(f"SELECT pg_terminate_backend(pid, 5000) {OTHERS}")

    async def count_connections(self, another: DatabaseInterface) -> int:
        """Return how many connections there are besides that of ``another`` which asks."""
        row = await another.fetch_one(f"SELECT COUNT(*) AS n {OTHERS}")
        assert row is not None
        return int(row["n"])

    @requires("is_shared")
    @pytest.mark.usefixtures("items")
    async def test_a_second_instance_sees_what_is_committed(
        self, db: DatabaseInterface, another: DatabaseInterface
    ) -> None:
        async with db.transaction():
            await insert(db, "a")
            assert await names(another) == []
        assert await names(another) == ["a"]

    @requires("is_shared")
    @pytest.mark.usefixtures("items")
    async def test_a_second_instance_sees_what_a_bulk_insert_wrote(
        self, db: DatabaseInterface, another: DatabaseInterface
    ) -> None:
        rows = [{"name": f"{number:04}", "payload": {"n": number}} for number in range(3000)]
        for key, given in (([], rows[:10]), (["name"], rows)):
            assert await db.bulk_insert("items", given, skip_conflicts_on=key)
            found = await another.fetch_all("SELECT name, payload FROM items ORDER BY name")
            assert found == given

    @requires("is_shared")
    async def test_a_lock_excludes_a_second_instance(
        self, db: DatabaseInterface, another: DatabaseInterface
    ) -> None:
        async with bounded():
            async with db.lock("name", timeout=0):
                for timeout in (0, 0.05):
                    with pytest.raises(LockTimeoutError, match="name"):
                        async with another.lock("name", timeout=timeout):
                            pass
                async with another.lock("another name", timeout=0):
                    pass
                assert [await each.is_locked("name") for each in (db, another)] == [True, True]
                assert not await another.is_locked("another name")
            assert not await another.is_locked("name")
            async with another.lock("name", timeout=0):
                with pytest.raises(LockTimeoutError):
                    async with db.lock("name", timeout=0):
                        pass

    @requires("is_shared")
    async def test_a_lock_excludes_another_process_until_that_dies(
        self,
        db: DatabaseInterface,
        another: DatabaseInterface,
        another_database: DatabaseInterface,
    ) -> None:
        """The other process takes the lock: it would inherit one that was acquired here."""
        await another.disconnect()
        is_held, write_end = os.pipe()
        child = start_child(lambda: _hold_lock(another_database, write_end))
        os.close(write_end)
        try:
            assert await asyncio.to_thread(os.read, is_held, 1) == b"1"
            async with bounded():
                with pytest.raises(LockTimeoutError):
                    async with db.lock("name", timeout=0):
                        pass
                assert await db.is_locked("name")
        finally:
            os.kill(child, signal.SIGKILL)
            await wait_for_child(child)
            os.close(is_held)
        async with bounded(), db.lock("name", timeout=15):
            pass

    @requires("is_shared")
    async def test_disconnect_leaves_no_connection(
        self, db: DatabaseInterface, another: DatabaseInterface
    ) -> None:
        await db.disconnect()
        async with bounded():
            before = await self._count_once_settled(another, least=0)
            for _ in range(2):
                await db.connect()
                await asyncio.gather(*(db.execute("SELECT 1") for _ in range(5)))
                async with db.lock("name", timeout=0):
                    await anext(rows := db.stream("SELECT 1 AS one"))
                    await rows.aclose()
                assert await self.count_connections(another) > before
                await db.disconnect()
            assert await self._count_once_settled(another, least=before) == before

    async def _count_once_settled(self, another: DatabaseInterface, least: int) -> int:
        """Return the count, once it is ``least`` or has stayed for long: sessions end a little later."""
        count, rounds = await self.count_connections(another), 0
        while count > least and rounds < 300:
            await round_trips(another, 1)
            count, rounds = await self.count_connections(another), rounds + 1
        return count

    @requires("is_shared")
    @pytest.mark.usefixtures("items")
    async def test_an_idle_connection_that_was_lost_costs_one_transient_error_at_most(
        self, db: DatabaseInterface, another: DatabaseInterface
    ) -> None:
        async with bounded():
            await asyncio.gather(*(db.execute("SELECT 1") for _ in range(5)))
            await self.kill_connections(another)
            assert isinstance(await db.health_check(), bool)
            await self._call_until_it_works(db)
            assert await db.health_check() is True

    @requires("is_shared")
    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("kind", ["statement", "transaction", "stream"])
    async def test_a_lost_connection_is_reported_as_what_a_retry_helps(
        self, db: DatabaseInterface, another: DatabaseInterface, kind: str
    ) -> None:
        await db.bulk_insert("items", [{"name": f"{number:05}"} for number in range(20_000)])
        work: dict[str, Callable[[DatabaseInterface, DatabaseInterface], Awaitable[None]]] = {
            "statement": self._lose_a_statement,
            "transaction": self._lose_a_transaction,
            "stream": self._lose_a_stream,
        }
        with pytest.raises(ConnectionLostError) as caught:
            async with bounded():
                await work[kind](db, another)
        assert caught.value.is_transient is True
        async with bounded():
            await self._call_until_it_works(db)
        assert await db.fetch_all("SELECT name FROM items WHERE name = 'a'") == []

    async def _lose_a_statement(self, db: DatabaseInterface, another: DatabaseInterface) -> None:
        async with another.transaction():
            await insert(another, "a")
            waiting = asyncio.create_task(insert(db, "a"))
            await round_trips(another)
            await self.kill_connections(another)
            await waiting

    async def _lose_a_transaction(self, db: DatabaseInterface, another: DatabaseInterface) -> None:
        async with db.transaction():
            await insert(db, "a")
            await self.kill_connections(another)
            await insert(db, "b")

    async def _lose_a_stream(self, db: DatabaseInterface, another: DatabaseInterface) -> None:
        async with aclosing(db.stream("SELECT name FROM items")) as rows:
            await anext(rows)
            await self.kill_connections(another)
            async for _ in rows:
                pass

    async def _call_until_it_works(self, db: DatabaseInterface) -> None:
        """Call as often as a pool may have lost connections; no error but a transient one is right."""
        for _ in range(50):
            try:
                await db.execute("SELECT 1")
            except ConnectionLostError:
                continue
            return
        raise AssertionError("the lost connections are never replaced")
