"""One run at a time for a table and a date."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from batch_etl.ingest.config import LoadConfig
from batch_etl.ingest.limits import Limits
from batch_etl.ingest.retrying import Retries
from batch_etl.ingest.table import TargetTable
from batch_etl.ingest.window import Start
from platform_interfaces import DatabaseInterface, LockTimeoutError, LoggingInterface, PlatformError


@asynccontextmanager
async def exclusive_load(
    db: DatabaseInterface,
    log: LoggingInterface,
    table: TargetTable,
    config: LoadConfig,
    limits: Limits,
    retries: Retries,
) -> AsyncIterator[Start]:
    """Hold the lock of the table and the date, and yield the timestamp that the rows of the run come after.

    So no two runs of a date overlap in time, nor in the ``created_at`` of their rows, not even when another
    machine's clock was ahead.

    Raises:
        QueryError: when the table cannot take the rows.
        LockTimeoutError: when another run has held the lock all the time.
    """
    try:
        await retries(table.require)
        name = await retries(table.find_lock_name)
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(db.lock(name, timeout=0))
            except LockTimeoutError as error:
                if not config.waits_for_lock:
                    raise LockTimeoutError(
                        f"another run loads {config.date} into {table.name!r}: run again later, or leave out "
                        f"--no-wait to wait for it ({error})"
                    ) from error
                log.info("Waiting for another run", reason=str(error))
                await stack.enter_async_context(db.lock(name, timeout=limits.lock_wait_seconds))
            yield await retries(table.next_created_at)
    except PlatformError as error:
        if explained := retries.explain(error):
            raise explained from error
        raise
