"""The batch ETL: a day of raw events into the table of cleaned ones."""

from batch_etl.config import read_arguments
from batch_etl.ingest import LIMITS, Limits, check_load, find_undo, load
from platform_interfaces import PlatformContext, Undo

TITLE = "Batch ETL"


async def check_run(ctx: PlatformContext) -> None:
    """Raise what ``run`` would raise of its arguments, its input and its table; change nothing.

    Raises:
        ConfigurationError: when arguments are wrong; all of them are named.
        NoInputError: when there is no data for the date, and the run does not allow that.
        DatabaseError: when the table is there already, but cannot be loaded into.
    """
    await check_load(ctx, *read_arguments(ctx.config))


async def check_retry(ctx: PlatformContext) -> None:
    """Raise what ``retry`` would raise of its arguments and its table; change nothing.

    Raises:
        ConfigurationError: when arguments are wrong; all of them are named.
        DatabaseError: when the table is there already, but cannot be loaded into.
    """
    await check_load(ctx, *read_arguments(ctx.config, is_retry=True))


async def run(ctx: PlatformContext, limits: Limits = LIMITS) -> int:
    """Load the raw events of one date, and account for every line.

    Returns and raises what ``ingest.load`` does.

    Raises:
        ConfigurationError: when an argument has an invalid value; nothing was read.
    """
    return await load(ctx, *read_arguments(ctx.config), limits, TITLE)


async def retry(ctx: PlatformContext, limits: Limits = LIMITS) -> int:
    """Load what now passes of the lines that earlier runs of the same date have rejected.

    What still fails stays rejected. Doing it twice is doing it once, and the table is that of a load of the
    mended input. Returns and raises what ``run`` does, but it may find nothing, or nothing that is valid.
    """
    return await load(ctx, *read_arguments(ctx.config, is_retry=True), limits, TITLE)


async def undo(ctx: PlatformContext) -> Undo:
    """Return how the rows of the run of ``ctx``, a load or a retry, are removed; see ``ingest.find_undo``."""
    return await find_undo(ctx, *read_arguments(ctx.config))
