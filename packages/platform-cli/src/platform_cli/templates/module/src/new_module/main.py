"""The work of one date."""

import datetime as dt
from contextlib import aclosing
from typing import Any

from platform_interfaces import ConfigurationError, FileMissingError, PlatformContext


async def check_run(ctx: PlatformContext) -> None:
    """Raise when an argument is wrong; called before anything is changed."""
    read_date(ctx)


async def run(ctx: PlatformContext) -> int:
    """Process the date, and return 0."""
    date = read_date(ctx)
    figures = ctx.run.figures
    figures["date"] = date.isoformat()
    # [filesystem]
    figures["lines"] = await count_lines(ctx, f"{ctx.config['source-path']}/{date}")
    # [end]
    # [database, not migrations]
    figures["tables"] = await count_tables(ctx)
    # [end]
    # [executor]
    figures["hours"] = await process_hours(ctx)
    # [end]
    # [secrets]
    figures["has_token"] = bool(ctx.secrets.get("NEW_MODULE_TOKEN"))
    # [end]
    # [migrations]
    await store(ctx, date, figures)
    # [end]
    # [logging]
    ctx.log.info("Date processed", **figures)
    # [end]
    return 0


def read_date(ctx: PlatformContext) -> dt.date:
    """Return the argument ``date``.

    Raises:
        ConfigurationError: when it is not a date.
    """
    text = ctx.config["date"]
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"--date {text!r} is not a date: write it as YYYY-MM-DD") from error


# [filesystem]
async def count_lines(ctx: PlatformContext, folder: str) -> int:
    """Return the number of lines in the files below ``folder``.

    Raises:
        FileMissingError: when there are none, because a run that read nothing has not succeeded.
    """
    paths = await ctx.fs.list(folder)
    if not paths:
        raise FileMissingError(f"there are no files in {ctx.fs.locate(folder)!r}: put them there")
    progress = ctx.run.progress
    progress.unit = "lines"
    for path in paths:
        progress.current = path
        async for block in ctx.fs.stream(path):
            progress.read_bytes += len(block)
            progress.records += block.count(b"\n")
    return progress.records


# [end]
# [database, not migrations]
async def count_tables(ctx: PlatformContext) -> int:
    """Return the number of tables in the database."""
    return len(
        await ctx.db.fetch_all("SELECT 1 FROM information_schema.tables WHERE table_schema = $1", ["public"])
    )


# [end]
# [executor]
async def process_hours(ctx: PlatformContext) -> int:
    """Process each hour, on workers where the run has some, and return how many there are."""
    count = 0
    async with aclosing(ctx.executor.map_unordered(process_hour, range(24), max_in_flight=8)) as outcomes:
        async for outcome in outcomes:
            if outcome.error:
                raise outcome.error
            count += 1
    return count


async def process_hour(ctx: PlatformContext, hour: int) -> int:
    """Process an hour; that may happen twice, for the hour of a worker that is lost is given to another."""
    return hour


# [end]
# [migrations]
async def store(ctx: PlatformContext, date: dt.date, figures: dict[str, Any]) -> None:
    """Write the row of the date; a second run replaces it."""
    await ctx.db.execute(
        """
        INSERT INTO new_module_days (day, figures) VALUES ($1, $2)
        ON CONFLICT (day) DO UPDATE SET figures = EXCLUDED.figures, written_at = NOW()
        """,
        [date, figures],
    )


# [end]
