"""The batch ETL: a day of raw events into the table of cleaned ones."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing
from dataclasses import replace

from batch_etl.dry_run import DryRun
from batch_etl.job import Job
from batch_etl.pipeline import in_portions, written
from batch_etl.preparation import KnownTypes, Prepared, RecentKeys, find_refused, prepare
from batch_etl.reader import KEPT, RAW, Chunk, Input
from batch_etl.sums import Sums
from batch_etl.table import explain_count, lock_name, next_moment, require_table
from batch_etl.validator import log_invalid
from batch_etl.writer import TableWriter, retrying
from platform_interfaces import (
    FileSystemError,
    LockTimeoutError,
    LoggingInterface,
    PlatformContext,
    RejectKeeper,
)

LOCK_WAIT_SECONDS = 3600.0


async def run(ctx: PlatformContext) -> int:
    """Load the raw events of one date, and account for every line.

    Returns:
        0, or 1 when a file could not be read to its end, too many lines were rejected, or the sums do not
        add up.

    Raises:
        ConfigurationError: when an argument has a value that cannot be meant; nothing was read.
        LockTimeoutError: when another run of the same date and table was at work for all the wait.
        DatabaseError: when the table cannot be written; what was written before stays, and a rerun completes.
    """
    job = Job.from_config(ctx.config)
    return await _start(ctx, job, "Starting Batch ETL", RAW)


async def retry(ctx: PlatformContext) -> int:
    """Load what now passes of the lines that earlier runs of the same date have rejected and kept.

    What still fails stays kept. Doing it twice is doing it once, and the table is that of a load of the
    mended input. Returns and raises what ``run`` does.
    """
    job = Job.from_config(ctx.config)
    return await _start(ctx, job, "Retrying rejected lines", KEPT)


async def _start(ctx: PlatformContext, job: Job, message: str, source: Input) -> int:
    ctx.log.info(
        message,
        date=job.date,
        source_path=job.source_path,
        target_table=job.target_table,
        dry_run=job.is_dry_run,
        run_id=job.run_id,
    )
    if job.is_dry_run:
        return await _load(ctx, job, source)
    async with _alone(ctx, job) as begun:
        return await _load(ctx, begun, source)


@asynccontextmanager
async def _alone(ctx: PlatformContext, job: Job) -> AsyncIterator[Job]:
    """Let no other run load the same date into the same table meanwhile; the job begins only now.

    So no two runs of a date overlap in time, nor in the ``created_at`` of their rows, not even when another
    machine's clock was ahead.
    """
    await retrying(ctx.log)(require_table, ctx.db, job)
    name: str = await retrying(ctx.log)(lock_name, ctx.db, job)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(ctx.db.lock(name, timeout=0))
        except LockTimeoutError as error:
            if not job.is_waiting:
                raise
            ctx.log.info("Waiting for another run", reason=str(error))
            await stack.enter_async_context(ctx.db.lock(name, timeout=LOCK_WAIT_SECONDS))
        yield replace(job, started_at=await retrying(ctx.log)(next_moment, ctx.db, job))


async def _load(ctx: PlatformContext, job: Job, source: Input) -> int:
    log, of_run, of_file, unreadable = ctx.log, Sums(), Sums(), set[str]()
    mismatches, types = list[str](), KnownTypes(job.event_date)
    files = await source.list_files(ctx.fs, job.folder)
    log.info("Found raw data", files=len(files))
    portions = in_portions(_prepared(ctx, source, files, types, unreadable))
    with closing(DryRun() if job.is_dry_run else TableWriter(ctx.db, log, job)) as writer:
        async with (
            RejectKeeper(ctx.fs, job.folder, job.run_id) as keeper,
            aclosing(written(portions, writer)) as chunks,
        ):
            async for prepared, outcomes in chunks:
                chunk = prepared.chunk
                of_file.add(prepared, outcomes)
                rejects = [*prepared.rejects, *find_refused(prepared, outcomes, types)]
                rejects.sort(key=lambda reject: reject.line)
                for reject in rejects:
                    log_invalid(log, reject.reasons[0].code, file=reject.file, line=reject.line)
                keeper.add(rejects)
                if not chunk.is_last:
                    continue
                if job.is_dry_run or chunk.file in unreadable:
                    keeper.discard()
                else:
                    keeper.complete(chunk.file)
                log.debug("File complete", file=chunk.file, **of_file.as_fields())
                if mismatch := of_file.mismatch(is_dry_run=job.is_dry_run):
                    mismatches.append(f"{chunk.file}: {mismatch}")
                of_run.merge(of_file)
                of_file = Sums()
        in_table = await writer.count_written()
    if in_table not in (None, of_run.inserted):
        mismatches.append(await explain_count(ctx.db, job, of_run.inserted, in_table))
    return _conclude(log, job, of_run, mismatches, sorted(unreadable))


async def _prepared(
    ctx: PlatformContext, source: Input, files: Sequence[str], types: KnownTypes, unreadable: set[str]
) -> AsyncGenerator[Prepared, None]:
    """The chunks of all files, prepared; a file that fails is left and noted."""
    recent = RecentKeys()
    for file in files:
        try:
            async with aclosing(source.read_file(ctx.fs, file)) as chunks:
                async for chunk in chunks:
                    yield prepare(chunk, types, recent)
        except FileSystemError as error:
            ctx.log.error("Cannot read file", file=file, reason=str(error))
            unreadable.add(file)
            yield prepare(Chunk(file, is_last=True), types, recent)


def _conclude(
    log: LoggingInterface, job: Job, sums: Sums, mismatches: Sequence[str], unreadable: Sequence[str]
) -> int:
    """Tell the sums, the last event of a run; the exit code."""
    if not sums.raw:
        log.warn("No raw data found", date=job.date, source_path=job.source_path)
    log.info("Validation complete", valid=sums.valid, invalid=sums.invalid.total())
    log.info("Deduplication complete", before=sums.valid, after=sums.unique, duplicates=sums.duplicates)
    if unreadable:
        log.error("Some files were not read to their end: run again", files=list(unreadable))
    for mismatch in mismatches:
        log.error("The sums do not add up", reason=mismatch)
    if too_many := job.max_rejected.is_exceeded(sums.invalid.total(), sums.raw):
        log.error("Too many lines were rejected", rejected=sums.invalid.total(), limit=str(job.max_rejected))
    log.info("Batch ETL complete", **sums.as_fields())
    return 1 if unreadable or mismatches or too_many else 0
