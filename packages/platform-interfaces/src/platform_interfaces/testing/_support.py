"""What several suites share: bounds, turns, processes and the calls of a database."""

import asyncio
import os
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from platform_interfaces import DatabaseInterface

LIMIT_SECONDS = 60.0
_CHILD_FAILED = 70


class CaseError(Exception):
    """What a case raises by itself: no adapter raises it, nor an error that is derived from it."""


def bounded() -> asyncio.Timeout:
    """Return a block that fails rather than waiting for ever."""
    return asyncio.timeout(LIMIT_SECONDS)


async def give_turns(count: int) -> None:
    """Let other tasks and the sockets have ``count`` turns."""
    for _ in range(count):
        await asyncio.sleep(0)


async def run_in_child(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Return what ``work`` returned in another process, which then dies without any clean-up.

    The process is forked, so that adapters need not be picklable: ``work`` must open what it uses.
    """
    return await wait_for_child(start_child(work))


def start_child(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Start the process of ``run_in_child`` and return its id."""
    with warnings.catch_warnings():  # other threads, which Python 3.12 and later warn of, have no locks here
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    code = _CHILD_FAILED
    try:
        code = asyncio.run(asyncio.wait_for(work(), LIMIT_SECONDS))
    finally:
        os._exit(code)


async def wait_for_child(child: int) -> int:
    """Return the exit code of the process, or the negative number of the signal that ended it."""
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    return os.waitstatus_to_exitcode(status)


async def names(db: DatabaseInterface) -> list[str]:
    """Return the names in the table ``items``, sorted."""
    return [row["name"] for row in await db.fetch_all("SELECT name FROM items ORDER BY name")]


async def insert(db: DatabaseInterface, name: str) -> int:
    """Insert an item."""
    return await db.execute("INSERT INTO items (name) VALUES ($1)", [name])


async def round_trips(db: DatabaseInterface, count: int = 50) -> None:
    """Ask the database ``count`` times, so that what was sent before has reached it."""
    for _ in range(count):
        await db.execute("SELECT 1")


async def _stream(db: DatabaseInterface) -> None:
    rows = db.stream("SELECT 1 AS one")
    try:
        await anext(rows)
    finally:
        await rows.aclose()


async def _transaction(db: DatabaseInterface) -> None:
    async with db.transaction():
        await db.execute("SELECT 1")


async def _nested(db: DatabaseInterface) -> None:
    async with db.transaction(), db.transaction():
        await db.fetch_all("SELECT 1 AS one")


async def _lock(db: DatabaseInterface) -> None:
    async with db.lock("a lock of the suite", timeout=LIMIT_SECONDS):
        pass


async def _query(db: DatabaseInterface) -> None:
    async with db.open_query("SELECT 1 AS one", is_read_only=True) as result:
        await anext(result.rows)


# Each of the calls that ask the database something; the table ``items`` is there, and stays empty.
CALLS: Mapping[str, Callable[[DatabaseInterface], Awaitable[object]]] = {
    "execute": lambda db: db.execute("DELETE FROM items WHERE name = $1", ["none"]),
    "execute without parameters": lambda db: db.execute("SELECT 1"),
    "fetch_one": lambda db: db.fetch_one("SELECT $1::text AS one", ["1"]),
    "fetch_all": lambda db: db.fetch_all("SELECT 1 AS one"),
    "stream": _stream,
    "open_query": _query,
    "transaction": _transaction,
    "nested transaction": _nested,
    "bulk_insert": lambda db: db.bulk_insert("items", [{"name": None}]),
    "lock": _lock,
}
