"""The batch ETL: a day of raw events into the table of cleaned ones."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, closing

from batch_etl.job import Job
from batch_etl.preparation import Prepared, Reject, prepare
from batch_etl.reader import read_raw_data
from batch_etl.sums import Sums
from batch_etl.validator import log_invalid
from batch_etl.writer import DryRun, SeenRows, write_to_db
from platform_interfaces import FileSystemError, LoggingInterface, PlatformContext


async def run(ctx: PlatformContext) -> int:
    """Load the raw events of one date, and account for every line.

    Returns:
        0, or 1 when a file could not be read to its end, or the sums do not add up.

    Raises:
        ConfigurationError: when an argument has a value that cannot be meant; nothing was read.
        DatabaseError: when the table cannot be written; what was written before stays, and a rerun completes.
    """
    log, job, sums = ctx.log, Job.from_config(ctx.config), Sums()
    log.info(
        "Starting Batch ETL",
        date=job.date,
        source_path=job.source_path,
        target_table=job.target_table,
        dry_run=job.is_dry_run,
    )
    files = await ctx.fs.list(job.folder)
    log.info("Found raw data", files=len(files))
    seen, unreadable = SeenRows(), list[str]()
    with closing(DryRun()) as dry_run:
        async with aclosing(_ahead(_prepared(ctx, job, files, unreadable))) as chunks:
            async for prepared in chunks:
                _report(log, prepared.rejects)
                if job.is_dry_run:
                    written = dry_run.write(prepared.unique)
                else:
                    written = await write_to_db(
                        ctx.db, log, job.target_table, prepared.unique, job.batch_size, seen
                    )
                sums.add(prepared, written)
    return _conclude(log, job, sums, unreadable)


async def _prepared(
    ctx: PlatformContext, job: Job, files: Sequence[str], unreadable: list[str]
) -> AsyncGenerator[Prepared, None]:
    """The chunks of all files, prepared; a file that fails is left and noted."""
    for file in files:
        try:
            async for chunk in read_raw_data(ctx.fs, file):
                yield await asyncio.to_thread(prepare, chunk, job)
        except FileSystemError as error:
            ctx.log.error("Cannot read file", file=file, reason=str(error))
            unreadable.append(file)


async def _ahead(
    chunks: AsyncGenerator[Prepared, None],
) -> AsyncGenerator[Prepared, None]:
    """The same chunks; the next one is prepared while the consumer works on the last."""
    following = asyncio.ensure_future(anext(chunks, None))
    try:
        while (chunk := await following) is not None:
            following = asyncio.ensure_future(anext(chunks, None))
            yield chunk
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await chunks.aclose()


def _report(log: LoggingInterface, rejects: Sequence[Reject]) -> None:
    for reject in rejects:
        log_invalid(log, reject.reason, file=reject.file, line=reject.line)


def _conclude(log: LoggingInterface, job: Job, sums: Sums, unreadable: Sequence[str]) -> int:
    """Tell the sums, the last event of a run; the exit code."""
    if not sums.raw:
        log.warn("No raw data found", date=job.date, source_path=job.source_path)
    log.info("Validation complete", valid=sums.valid, invalid=sums.invalid.total())
    log.info("Deduplication complete", before=sums.valid, after=sums.unique, duplicates=sums.duplicates)
    if unreadable:
        log.error("Some files were not read to their end: run again", files=list(unreadable))
    if mismatch := sums.mismatch(is_dry_run=job.is_dry_run):
        log.error("The sums do not add up", reason=mismatch)
    log.info("Batch ETL complete", **sums.as_fields())
    return 1 if unreadable or mismatch else 0
