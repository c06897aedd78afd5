"""Mutual exclusion between processes, by PostgreSQL's advisory locks."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import asyncpg

from platform_interfaces import ConnectionLostError, LockTimeoutError
from platform_postgres._errors import translated

if TYPE_CHECKING:
    from platform_postgres._connection import Connection

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
CLOSE_TIMEOUT_SECONDS = 5.0


async def acquire(connection: Connection, name: str, timeout: float) -> None:
    """Take the lock for the life of ``connection``, trying for ``timeout`` seconds.

    It is polled outside any transaction: a waiting statement would hold a snapshot, for which another
    session's CREATE INDEX CONCURRENTLY would wait, while this one waits for that session.

    Raises:
        LockTimeoutError: when somebody else held it for all that time; names the holder.
    """
    key = int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + timeout, FIRST_PAUSE_SECONDS
    while True:
        with translated():
            if await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
                return
        left = deadline - loop.time()
        if left <= 0:
            raise LockTimeoutError(
                f"lock {name!r} was not free within {timeout:g} s: held by {await _holder(connection, key)}"
            )
        await asyncio.sleep(min(left, pause * random.uniform(0.75, 1.25)))  # noqa: S311 - jitter
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


@asynccontextmanager
async def guarded(connection: Connection, name: str) -> AsyncIterator[None]:
    """A block that is cancelled when ``connection`` closes, for the lock is somebody else's then.

    Raises:
        ConnectionLostError: in that case, also when the block had come to its end.
    """

    def end(_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the block has ended meanwhile
            limit.reschedule(0)

    try:
        async with asyncio.timeout(None) as limit:
            connection.add_termination_listener(end)
            yield
    except TimeoutError:
        if not limit.expired():
            raise
    if connection.is_closed():
        raise ConnectionLostError(
            f"lock {name!r} was lost while it was held, for its connection closed: run the whole block again"
        )


async def close(connection: Connection) -> None:
    """End the session, and with it the locks it holds, within a bounded time."""
    try:
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await connection.close(timeout=CLOSE_TIMEOUT_SECONDS)
    finally:
        if not connection.is_closed():
            connection.terminate()


async def _holder(connection: Connection, key: int) -> str:
    with translated():
        row = await connection.fetchrow(
            """
            SELECT pid, application_name, coalesce(host(client_addr), 'this machine') AS origin,
                   to_char(backend_start, 'YYYY-MM-DD HH24:MI:SSOF') AS since
            FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE locktype = 'advisory' AND granted AND objsubid = 1
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND classid::bigint = ($1::bigint >> 32) & 4294967295
              AND objid::bigint = $1::bigint & 4294967295
            """,
            key,
        )
    if row is None:
        return "a session that has just ended"
    holder = row["application_name"] or "unnamed"
    if row["since"] is not None:  # else it is of a role about which this one may not know more
        holder += f", from {row['origin']}, since {row['since']}"
    return f"server process {row['pid']} ({holder})"
