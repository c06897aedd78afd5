"""Mutual exclusion between processes, by PostgreSQL's advisory locks."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from platform_interfaces import ConnectionLostError, LockTimeoutError
from platform_postgres._errors import translate_errors

if TYPE_CHECKING:
    from platform_postgres._connection import Connection

    Connect: TypeAlias = Callable[[], Awaitable[Connection]]

MIN_PAUSE_SECONDS = 0.05
MAX_PAUSE_SECONDS = 1.0
REGAIN_SECONDS = 30.0
CLOSE_TIMEOUT_SECONDS = 5.0

HELD_LOCK = """
    FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND classid::bigint = ($1::bigint >> 32) & 4294967295
      AND objid::bigint = $1::bigint & 4294967295
"""
"""The lock whose key is ``$1``, if a session holds it."""


@asynccontextmanager
async def advisory_lock(connect: Connect, name: str, timeout: float) -> AsyncIterator[None]:
    """Hold the lock inside the block; take it again when the server restarts.

    Raises:
        LockTimeoutError: when another session held it for ``timeout`` seconds; names that session.
        ConnectionLostError: when it was lost; the block is cancelled then.
    """
    lock = _Lock(connect, name)
    await lock.take(timeout)
    try:
        async with lock.watched():
            yield
    finally:
        await lock.release()


def lock_key(name: str) -> int:
    """Return the number that the server knows the lock ``name`` by."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)


class _Lock:
    """A lock, which is held as long as its connection is open."""

    def __init__(self, connect: Connect, name: str) -> None:
        self._connect = connect
        self._name = name
        self._connection: Connection  # since take()
        self._server_started_at: datetime  # the same
        self._absence = ""  # why the server could not be reached last

    def is_held(self) -> bool:
        return not self._connection.is_closed()

    async def take(self, timeout: float) -> None:
        connection = await self._connect()
        try:
            self._server_started_at = await _fetch_server_start(connection)
            await _acquire(connection, self._name, timeout)
        except BaseException:
            await _close(connection)
            raise
        self._connection = connection

    async def release(self) -> None:
        await _close(self._connection)  # the server frees the lock with the session

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Cancel the block when the lock is lost.

        Raises:
            ConnectionLostError: in that case, even when the block had ended.
        """
        watcher = asyncio.create_task(self._watch())

        def end(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the block has ended meanwhile
                limit.reschedule(0)

        try:
            async with asyncio.timeout(None) as limit:
                watcher.add_done_callback(end)
                yield
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            is_held = self.is_held()
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
        if not is_held:
            cause = None if watcher.cancelled() else watcher.exception()
            raise ConnectionLostError(
                f"lock {self._name!r} was lost while it was held{self._explain(cause)}: run again"
            ) from cause

    def _explain(self, cause: BaseException | None) -> str:
        if isinstance(cause, TimeoutError):
            return f", for the server was away for {REGAIN_SECONDS:g} s ({self._absence})"
        return f" ({cause})" if cause else ""

    async def _watch(self) -> None:
        """Return, or raise, once the lock is lost.

        A restart ends every session, so the lock can be taken again before the block goes on. When the server
        has gone on running, another session may have taken it by now.
        """
        while True:
            await self._wait_until_closed()
            with contextlib.suppress(ConnectionLostError):
                if not await self._has_restarted():
                    return
            async with asyncio.timeout(REGAIN_SECONDS):
                await self._regain()

    async def _has_restarted(self) -> bool:
        """Return whether the server is another process than the one that the lock was taken of.

        Raises:
            ConnectionLostError: when it does not answer, and so is about to be another.
        """
        connection = await self._connect()
        try:
            return await _fetch_server_start(connection) != self._server_started_at
        finally:
            await _close(connection)

    async def _wait_until_closed(self) -> None:
        closed = asyncio.Event()
        self._connection.add_termination_listener(lambda _: closed.set())
        if self.is_held():
            await closed.wait()

    async def _regain(self) -> None:
        """Wait for a server that restarts, but not for another holder, which would run beside the block."""
        while not self.is_held():
            try:
                await self.take(timeout=0)
            except ConnectionLostError as error:
                self._absence = str(error)
                await asyncio.sleep(MIN_PAUSE_SECONDS)


async def _acquire(connection: Connection, name: str, timeout: float) -> None:
    """Take the lock for the life of ``connection``, trying for ``timeout`` seconds.

    It is polled outside any transaction: a waiting statement would hold a snapshot, for which another
    session's CREATE INDEX CONCURRENTLY would wait, while this one waits for that session.
    """
    key = lock_key(name)
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + timeout, MIN_PAUSE_SECONDS
    while True:
        with translate_errors():
            if await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
                return
        left = deadline - loop.time()
        if left <= 0:
            holder = await _describe_holder(connection, key)
            raise LockTimeoutError(f"lock {name!r} was not free within {timeout:g} s: held by {holder}")
        await asyncio.sleep(min(left, pause * random.uniform(0.75, 1.25)))  # noqa: S311 - jitter
        pause = min(2 * pause, MAX_PAUSE_SECONDS)


async def _fetch_server_start(connection: Connection) -> datetime:
    with translate_errors():
        started_at: datetime = await connection.fetchval("SELECT pg_postmaster_start_time()")
        return started_at


async def _close(connection: Connection) -> None:
    """End the session, and with it the locks it holds, within a bounded time."""
    try:
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await connection.close(timeout=CLOSE_TIMEOUT_SECONDS)
    finally:
        if not connection.is_closed():
            connection.terminate()


async def _describe_holder(connection: Connection, key: int) -> str:
    with translate_errors():
        row = await connection.fetchrow(
            f"""
            SELECT pid, application_name, coalesce(host(client_addr), 'this machine') AS origin,
                   to_char(backend_start, 'YYYY-MM-DD HH24:MI:SSOF') AS since
            FROM (SELECT pid {HELD_LOCK}) AS holder JOIN pg_stat_activity USING (pid)
            """,  # noqa: S608 - a constant
            key,
        )
    if row is None:
        return "a session that has just ended"
    holder = row["application_name"] or "unnamed"
    if row["since"] is not None:  # NULL for a session of a role that this one may not see
        holder += f", from {row['origin']}, since {row['since']}"
    return f"server process {row['pid']} ({holder})"
