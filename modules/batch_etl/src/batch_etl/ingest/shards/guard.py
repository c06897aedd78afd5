"""Whether the run that an attempt belongs to is still alive."""

import asyncio
import time
from collections.abc import AsyncIterator

from tenacity import AttemptManager

from batch_etl.ingest.limits import Limits
from batch_etl.ingest.retrying import Retries
from batch_etl.ingest.shards.ticks import TickRange
from platform_interfaces import DatabaseInterface, LoggingInterface, PlatformError

CHECK_SECONDS = 1.0
REGAIN_SECONDS = 5.0
"""How long a lock may be free: after a restart of the server its holder takes it again."""
_PAUSE_SECONDS = 0.2


class RunEndedError(PlatformError):
    """The run that an attempt belongs to has ended, or its process has died."""


def run_lock_name(run_id: str) -> str:
    """Return the name of the lock that a run in shards holds while its attempts may write."""
    return f"batch_etl:run:{run_id}"


class RunGuard:
    """Asks, now and then, whether the process of the run still holds its lock."""

    def __init__(self, db: DatabaseInterface, run_id: str, ticks: TickRange) -> None:
        self._db, self._name, self._ticks = db, run_lock_name(run_id), ticks
        self._checked_at = float("-inf")
        self._may_write = not ticks.ends_before_writes

    async def check(self) -> None:
        """Do nothing while the run goes on; wait where it is too early to write.

        Where the database cannot be asked, what is written next will fail likewise.

        Raises:
            RunEndedError: when the lock of the run is free, and stays so.
        """
        if time.monotonic() - self._checked_at < CHECK_SECONDS:
            return
        try:
            await self._wait_for_lock()
            if not self._may_write:
                await self._wait_for_clock()
        except PlatformError as error:
            if not error.is_transient:
                raise
        else:
            self._checked_at, self._may_write = time.monotonic(), True

    async def _wait_for_lock(self) -> None:
        deadline = time.monotonic() + REGAIN_SECONDS
        while not await self._db.is_locked(self._name):
            if time.monotonic() > deadline:
                raise RunEndedError("the run has ended or its process has died: this attempt writes no more")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _wait_for_clock(self) -> None:
        query = "SELECT EXTRACT(EPOCH FROM $1 - now()) AS seconds"
        found = await self._db.fetch_one(query, [self._ticks.run_until])
        if found and (seconds := float(found["seconds"])) > 0:
            await asyncio.sleep(seconds)


class GuardedRetries(Retries):
    """Retries, each attempt of which is made only while the run goes on."""

    def __init__(self, log: LoggingInterface, limits: Limits, guard: RunGuard) -> None:
        super().__init__(log, limits)
        self._guard = guard

    async def attempts(self) -> AsyncIterator[AttemptManager]:
        """Yield attempts until one succeeds.

        Raises:
            RunEndedError: when the run has ended before one.
        """
        async for attempt in super().attempts():
            await self._guard.check()
            yield attempt
