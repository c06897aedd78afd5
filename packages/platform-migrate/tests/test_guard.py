from collections.abc import Sequence
from typing import Any

from platform_interfaces import QueryError, Row
from platform_memory import MemoryDatabase
from platform_migrate import down, up
from platform_migrate.guard import PostgresGuard, choose_guard


class UnknownDatabase(MemoryDatabase):
    """A database of a kind that has no ``version()``."""

    async def fetch_one(self, query: str, params: Sequence[Any] | None = None) -> Row | None:
        if "version()" in query:
            raise QueryError("no such function: version")
        return await super().fetch_one(query, params)


async def test_a_database_that_cannot_say_what_it_is_is_asked_for_nothing_of_postgres() -> None:
    async with UnknownDatabase() as db:
        assert not isinstance(await choose_guard(db), PostgresGuard)
        assert len((await up(db)).applied) == 5
        assert len((await down(db, target=0)).reverted) == 5
