"""What holds before ``connect``, after ``disconnect``, and while one of them runs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from platform_interfaces import (
    ConnectionLostError,
    DatabaseError,
    DatabaseInterface,
    NotConnectedError,
    QueryError,
)
from platform_interfaces.testing._support import CALLS, bounded, insert, names


class DatabaseLifecycleCases:
    """An instance can be closed at any time, and opened again."""

    @pytest.fixture
    def unreachable_database(self) -> DatabaseInterface | None:
        """Return an instance whose server does not run, or None; a subscriber may override this."""
        return None

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
    async def test_calls_after_disconnect_are_refused(
        self, db: DatabaseInterface, call: Callable[[DatabaseInterface], Awaitable[Any]]
    ) -> None:
        await db.disconnect()
        async with bounded():
            with pytest.raises(NotConnectedError, match="connect"):
                await call(db)
            assert await db.health_check() is False

    @pytest.mark.usefixtures("items")
    async def test_it_can_be_connected_again_and_again(self, db: DatabaseInterface) -> None:
        async with bounded():
            for number in range(3):
                async with db.transaction():
                    await insert(db, str(number))
                await db.disconnect()
                await db.connect()
                assert await db.health_check() is True
                assert await names(db) == [str(number) for number in range(number + 1)]
                async with db.lock("name", timeout=0):
                    pass

    @pytest.mark.usefixtures("items")
    async def test_disconnect_ends_calls_at_once_or_lets_them_finish(self, db: DatabaseInterface) -> None:
        calls = [asyncio.create_task(names(db)) for _ in range(30)]
        await asyncio.sleep(0)
        async with bounded():
            await db.disconnect()
            results = await asyncio.gather(*calls, return_exceptions=True)
        assert not db.is_connected()
        for result in results:
            assert result == [] or isinstance(result, NotConnectedError | ConnectionLostError)

    async def test_tasks_that_connect_and_disconnect_at_once_do_not_fail(
        self, database: DatabaseInterface
    ) -> None:
        async with bounded():
            await asyncio.gather(*(database.connect() for _ in range(5)))
            assert await database.fetch_one("SELECT 1 AS one") == {"one": 1}
            await asyncio.gather(*(database.disconnect() for _ in range(5)))
        assert not database.is_connected()

    async def test_health_check_never_raises(self, database: DatabaseInterface) -> None:
        """Neither in a transaction that an error has broken, nor while another task connects and leaves."""
        stop, answers = asyncio.Event(), list[bool]()

        async def check() -> None:
            while not stop.is_set():
                assert isinstance(await database.health_check(), bool)
                await asyncio.sleep(0)

        checks = [asyncio.create_task(check()) for _ in range(3)]
        try:
            async with bounded():
                for _ in range(3):
                    await database.connect()
                    with pytest.raises(DatabaseError):
                        async with database.transaction():
                            with pytest.raises(QueryError):
                                await database.execute("SELECT * FROM no_such_table")
                            answers.append(await database.health_check())
                    await database.disconnect()
                    await asyncio.sleep(0)
        finally:
            stop.set()
            await asyncio.gather(*checks)
        assert [type(answer) for answer in answers] == [bool] * 3

    async def test_a_database_that_is_not_there_is_reported(
        self, unreachable_database: DatabaseInterface | None
    ) -> None:
        if unreachable_database is None:
            pytest.skip("the subscriber gives no fixture 'unreachable_database'")
        async with bounded():
            with pytest.raises(ConnectionLostError) as caught:
                await unreachable_database.connect()
            assert caught.value.is_transient is True
            assert not unreachable_database.is_connected()
            assert await unreachable_database.health_check() is False
            with pytest.raises(NotConnectedError):
                await unreachable_database.execute("SELECT 1")
            await unreachable_database.disconnect()
