"""The batch ETL: a day of raw events into the table of cleaned ones."""

from asyncio import CancelledError
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing
from dataclasses import replace

from batch_etl.account import MAX_LINES_WITHOUT_VALID, Account
from batch_etl.dry_run import DryRun
from batch_etl.job import Job
from batch_etl.pipeline import in_portions, written
from batch_etl.preparation import KnownTypes, Prepared, RecentKeys, find_refused, prepare
from batch_etl.reader import KEPT, RAW, Chunk
from batch_etl.source import SourceFiles, find_raw_files, find_rejected_lines, log_found
from batch_etl.table import check_table, explain_count, lock_name, next_moment, require_table
from batch_etl.writer import TableWriter, retrying
from platform_interfaces import (
    FileSystemError,
    LockTimeoutError,
    PlatformContext,
    PlatformError,
    RejectWriter,
    rejects_path,
)

LOCK_WAIT_SECONDS = 3600.0


async def check_run(ctx: PlatformContext) -> None:
    """Raise what ``run`` would raise of its arguments, its input and its table; change nothing.

    Raises:
        ConfigurationError: when arguments are wrong; all of them are named.
        FileMissingError: when there is no data for the date, and the run does not allow that.
        DatabaseError: when the table is there already, but cannot be loaded into.
    """
    job = Job.from_config(ctx.config)
    await find_raw_files(ctx.fs, job)
    await check_table(ctx.db, job)


async def check_retry(ctx: PlatformContext) -> None:
    """Raise what ``retry`` would raise of its arguments and its table; change nothing.

    Raises:
        ConfigurationError: when arguments are wrong; all of them are named.
        DatabaseError: when the table is there already, but cannot be loaded into.
    """
    await check_table(ctx.db, Job.from_config(ctx.config, is_retry=True))


async def run(ctx: PlatformContext) -> int:
    """Load the raw events of one date, and account for every line.

    Returns:
        0, or 1 when a file could not be read to its end, no line is valid, there is no line and that is not
        allowed, more are rejected or fewer are valid than asked for, rejects could not be kept, or the sums
        do not add up.

    Raises:
        ConfigurationError: when an argument has an invalid value; nothing was read.
        FileMissingError: when there is no data for the date, and the run does not allow that.
        LockTimeoutError: when another run of the same date and table was at work for all the wait.
        DatabaseError: when the table cannot be written; what was written before stays, and a rerun completes.
    """
    return await _start(ctx, Job.from_config(ctx.config), "Starting Batch ETL")


async def retry(ctx: PlatformContext) -> int:
    """Load what now passes of the lines that earlier runs of the same date have rejected and kept.

    What still fails stays kept. Doing it twice is doing it once, and the table is that of a load of the
    mended input. Returns and raises what ``run`` does, but it may find nothing, or nothing that is valid.
    """
    return await _start(ctx, Job.from_config(ctx.config, is_retry=True), "Retrying rejected lines")


async def _start(ctx: PlatformContext, job: Job, message: str) -> int:
    ctx.log.info(
        message,
        date=job.date,
        source_path=job.source_path,
        target_table=job.target_table,
        dry_run=job.is_dry_run,
        run_id=job.run_id,
    )
    if job.is_dry_run:
        if not await check_table(ctx.db, job):
            ctx.log.warn(
                "The table does not exist yet: a load needs it, or the migration that makes it",
                table=job.target_table,
            )
        return await _load(ctx, job)
    async with _alone(ctx, job) as begun:
        return await _load(ctx, begun)


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


async def _load(ctx: PlatformContext, job: Job) -> int:
    found = await (find_rejected_lines if job.is_retry else find_raw_files)(ctx.fs, job)
    log_found(ctx.log, found)
    account = Account(ctx.log, job, found)
    try:
        with closing(DryRun() if job.is_dry_run else TableWriter(ctx.db, ctx.log, job)) as writer:
            await _write(ctx, job, found, account, writer)
            inserted, found_rows = account.totals.inserted, await writer.count_written()
            if found_rows not in (None, inserted):
                account.note_mismatch(await explain_count(ctx.db, job, inserted, found_rows))
    except CancelledError:  # by Ctrl-C, or because its container is stopped
        totals = account.totals_so_far.as_fields()
        ctx.log.warn("Batch ETL was interrupted: run again to complete it; the totals so far", **totals)
        raise
    except PlatformError:
        ctx.log.error("Batch ETL stopped: the totals so far", **account.totals_so_far.as_fields())
        raise
    return account.conclude()


async def _write(
    ctx: PlatformContext, job: Job, found: SourceFiles, account: Account, writer: DryRun | TableWriter
) -> None:
    """Read all files and write their events, account for both, and keep the rejects."""
    types = KnownTypes(job.event_date, job.unknown_fields)
    portions = in_portions(_prepared(ctx, job, found, types, account))
    async with (
        RejectWriter(ctx.fs, job.folder, job.run_id) as keeper,
        aclosing(written(portions, writer)) as chunks,
    ):
        async for prepared, outcomes in chunks:
            rejects = [*prepared.rejects, *find_refused(prepared, outcomes, types)]
            rejects.sort(key=lambda reject: reject.line)
            account.add(prepared, outcomes, rejects)
            if not job.is_dry_run:
                keeper.add(rejects)
            if prepared.chunk.is_last:
                if account.finish_file(prepared.chunk.file) and not job.is_dry_run:
                    keeper.complete(prepared.chunk.file)
                else:
                    keeper.discard()
        try:
            await keeper.save()
        except FileSystemError as error:
            account.note_unsaved(error, ctx.fs.locate(rejects_path(job.folder)))


async def _prepared(
    ctx: PlatformContext, job: Job, found: SourceFiles, types: KnownTypes, account: Account
) -> AsyncGenerator[Prepared, None]:
    """The chunks of all files, prepared; one that fails, or has no valid line for long, is left and noted."""
    recent, source = RecentKeys(), KEPT if job.is_retry else RAW
    for file in found.files:
        hope = 0 if job.is_retry or job.min_valid.allows_none else MAX_LINES_WITHOUT_VALID
        try:
            async with aclosing(source.read_file(ctx.fs, file)) as chunks:
                async for chunk in chunks:
                    prepared = prepare(chunk, types, recent)
                    yield prepared
                    if hope:
                        hope = _hope_after(prepared, hope)
                        if hope < 0 and not chunk.is_last:
                            account.note_hopeless(file)
                            yield prepare(Chunk(file, is_last=True), types, recent)
                            break
        except FileSystemError as error:
            account.note_unreadable(file, error)
            yield prepare(Chunk(file, is_last=True), types, recent)


def _hope_after(prepared: Prepared, hope: int) -> int:
    """How many more lines may be invalid: 0 when that does not matter, for one is valid; below 0 for none."""
    if prepared.unique or prepared.duplicates:
        return 0
    return (hope - len(prepared.rejects)) or -1
