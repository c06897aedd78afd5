"""Mutual exclusion between tasks, by name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from platform_interfaces import LockTimeoutError


class NamedLocks:
    """One lock for each name; it exists while somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, name: str, timeout: float) -> AsyncIterator[None]:
        """A block that one task at a time runs.

        Raises:
            LockTimeoutError: when the lock was not free within ``timeout`` seconds.
        """
        lock = self._locks.setdefault(name, asyncio.Lock())
        try:
            async with asyncio.timeout(timeout):
                await lock.acquire()
        except TimeoutError:
            raise LockTimeoutError(
                f"lock {name!r} was not free within {timeout:g} s: held by another block of this process"
            ) from None
        try:
            yield
        finally:
            lock.release()
