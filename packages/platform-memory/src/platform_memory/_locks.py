"""Mutual exclusion between tasks, by name."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from platform_interfaces import LockTimeoutError


class NamedLocks:
    """One lock for each name; it exists while a task holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def hold(self, name: str, timeout: float) -> AsyncIterator[None]:
        """Return a block that one task at a time runs.

        Raises:
            LockTimeoutError: when the lock was not free within ``timeout`` seconds.
        """
        with self._counting_users(name) as lock:
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

    def is_held(self, name: str) -> bool:
        """Return whether a task runs such a block now."""
        return name in self._locks and self._locks[name].locked()

    @contextmanager
    def _counting_users(self, name: str) -> Iterator[asyncio.Lock]:
        self._users[name] += 1
        try:
            yield self._locks.setdefault(name, asyncio.Lock())
        finally:
            self._users[name] -= 1
            if not self._users[name]:  # a lock that stayed would be bound to its event loop
                del self._users[name], self._locks[name]
