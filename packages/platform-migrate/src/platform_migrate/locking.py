"""The lock that lets one run at a time change what is applied to a schema."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from platform_interfaces import ConnectionLostError, DatabaseInterface, LockTimeoutError
from platform_migrate.errors import MigrationLockLostError

Notify = Callable[[str], object]

LOCK_WAIT_SECONDS = 300.0
QUIET_SECONDS = 2.0
"""How long a run waits for another one before it says so."""


def ignore(_: str) -> None:
    """Do nothing: what ``notify`` is unless given."""


@asynccontextmanager
async def hold_lock(db: DatabaseInterface, name: str, wait: float, notify: Notify) -> AsyncIterator[None]:
    """Hold a lock for the length of a block.

    Raises:
        LockTimeoutError: when another run had it all the time.
        MigrationLockLostError: when its connection was lost, and with it the lock.
    """
    failure, is_held = None, False
    try:
        async with AsyncExitStack() as stack:
            await _acquire(stack, db, name, wait, notify)
            is_held = True
            try:
                yield
            except ConnectionLostError as error:
                failure = error
                raise
    except ConnectionLostError as error:
        if error is failure or not is_held:
            raise
        raise MigrationLockLostError(str(error)) from error


async def _acquire(
    stack: AsyncExitStack, db: DatabaseInterface, name: str, wait: float, notify: Notify
) -> None:
    quiet = min(wait, QUIET_SECONDS)
    try:
        await stack.enter_async_context(db.lock(name, timeout=quiet))
    except LockTimeoutError as error:
        if wait <= quiet:
            raise
        notify(f"waiting up to {wait - quiet:g} s more: {error}")
        await stack.enter_async_context(db.lock(name, timeout=wait - quiet))
