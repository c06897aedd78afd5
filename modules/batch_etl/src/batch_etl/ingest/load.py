"""The story of a load: find, read, clean, write, account."""

from asyncio import CancelledError
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from functools import partial
from typing import Protocol

from batch_etl.ingest.batches import Writer, group_batches, write_concurrently
from batch_etl.ingest.cleaner import Cleaner
from batch_etl.ingest.cleaning import ChunkCleaner, CleanChunk, clean_file
from batch_etl.ingest.config import LoadConfig
from batch_etl.ingest.dry_run import DryRunWriter, NoRejectWriter
from batch_etl.ingest.exclusive import exclusive_load
from batch_etl.ingest.limits import LIMITS, Limits
from batch_etl.ingest.report import Report
from batch_etl.ingest.retrying import Retries
from batch_etl.ingest.shards.load import ShardedLoad
from batch_etl.ingest.shards.reject_files import remove_abandoned
from batch_etl.ingest.source import SourceFiles, log_found, select_source
from batch_etl.ingest.table import TargetTable
from batch_etl.ingest.window import RunWindow
from batch_etl.ingest.writers import open_writer
from platform_interfaces import FileSystemError, PlatformContext, PlatformError, RejectWriter, rejects_path


async def check_load(ctx: PlatformContext, config: LoadConfig, cleaner: Cleaner) -> None:
    """Raise what ``load`` would raise of its input and its table; change nothing.

    Raises:
        NoInputError: when there is no data for the date, and the load does not allow that.
        DatabaseError: when the table is there already, but cannot be loaded into.
    """
    if not config.is_retry:
        await select_source(config).find(ctx.fs, config)
    await TargetTable(ctx.db, config, cleaner).check(is_dry_run=config.is_dry_run)


async def load(
    ctx: PlatformContext, config: LoadConfig, cleaner: Cleaner, limits: Limits = LIMITS, title: str = "Load"
) -> int:
    """Load the lines of a date, or those of it that were rejected before, and account for each.

    The totals are the last log event, with ``title`` in its message, and figures of the run, beside its
    ``table``, the ``folder`` of its files and the ``rejects_file``. Why it returns 1 is in the failures of
    the run.

    Returns:
        0, or 1 when a file could not be read to its end, no line is valid, there is no line and that is not
        allowed, more are rejected or fewer are valid than asked for, rejects could not be saved, or the
        totals do not add up.

    Raises:
        NoInputError: when there is no data for the date, and the load does not allow that.
        LockTimeoutError: when another run of the same date and table was at work for all the wait.
        DatabaseError: when the table cannot be written; what was written before stays, and a rerun completes.
    """
    return await _Load(ctx, config, cleaner, limits, title).run()


class _LoadInShards(Protocol):
    """A method of ``ShardedLoad``, with all its arguments but one."""

    async def __call__(self, sharded: ShardedLoad, /, *, report: Report) -> str | None:
        """Load, and return what does not add up."""


class _Load:
    def __init__(
        self, ctx: PlatformContext, config: LoadConfig, cleaner: Cleaner, limits: Limits, title: str
    ) -> None:
        self._ctx = ctx
        self._db, self._fs, self._log, self._run = ctx.db, ctx.fs, ctx.log, ctx.run
        self._config, self._cleaner, self._limits, self._title = config, cleaner, limits, title
        self._table = TargetTable(ctx.db, config, cleaner)

    async def run(self) -> int:
        """Load into the table, or, in a dry run, into nothing."""
        title = "Retrying rejected lines" if self._config.is_retry else f"Starting {self._title}"
        self._log.info(title, **self._config.as_fields())
        rejects_file = self._fs.locate(rejects_path(self._config.folder))
        self._run.figures.update(
            table=self._table.name, folder=self._config.folder, rejects_file=rejects_file
        )
        if self._config.is_dry_run:
            return await self._run_dry()
        db, log, table, limits = self._db, self._log, self._table, self._limits
        retries = Retries(log, limits)
        async with (
            exclusive_load(db, log, table, self._config, limits, retries) as start,
            RunWindow(self._run, start) as window,
            RejectWriter(self._fs, self._config.folder, self._run.id) as rejects,
            open_writer(db, log, table, window, retries, limits) as writer,
        ):
            await self._remove_abandoned()
            write = partial(ShardedLoad.write, table=table, window=window, retries=retries, rejects=rejects)
            return await self._transfer(writer, rejects, write if writer.takes_others else None)

    async def _run_dry(self) -> int:
        if not await self._table.check(is_dry_run=True):
            self._log.warn(
                "The table does not exist yet: a load needs it, or the migration that makes it",
                table=self._table.name,
            )
        with closing(DryRunWriter(self._table.key)) as writer:
            return await self._transfer(writer, NoRejectWriter(), ShardedLoad.check)

    async def _remove_abandoned(self) -> None:
        try:
            await remove_abandoned(self._db, self._fs, self._config.folder)
        except PlatformError as error:
            self._log.warn("Temporary files of earlier runs could not be removed", reason=str(error))

    async def _transfer(
        self, writer: Writer, rejects: RejectWriter | NoRejectWriter, load_in_shards: _LoadInShards | None
    ) -> int:
        found = await select_source(self._config).find(self._fs, self._config)
        log_found(self._log, found)
        self._run.progress.unit, self._run.progress.total_bytes = "lines", found.total_bytes
        report = Report(self._log, self._config, found, self._cleaner.fields, self._run.progress)
        sharded = ShardedLoad(self._ctx, self._config, self._cleaner, self._limits, found)
        try:
            if sharded.workers > 1 and not load_in_shards:
                self._log.info("Workers are not used: this process loads the date into a new partition")
            if load_in_shards and await sharded.plan():
                mismatch = await load_in_shards(sharded, report=report)
                await self._save(rejects, report)
            else:
                await self._write(found, writer, rejects, report)
                mismatch = await writer.find_mismatch(report.totals.inserted)
            if mismatch:
                report.note_mismatch(mismatch)
        except CancelledError:  # by Ctrl-C, or because its container is stopped
            advice = "run again to complete it; the totals so far"
            fields = report.totals_so_far.as_fields()
            self._log.warn(f"{self._title} was interrupted: {advice}", **fields)
            raise
        except PlatformError:
            self._log.error(f"{self._title} stopped: the totals so far", **report.totals_so_far.as_fields())
            raise
        finally:
            totals = report.totals_so_far
            if totals.pending and self._config.is_retry:
                rejects.abandon()  # the rows that passed are in no table
            self._run.figures.update(totals.as_fields())
            self._run.rejects.update(totals.invalid)
        failures = report.conclude()
        self._run.failures.extend(failures)
        if report.nothing_read:
            self._run.figures["nothing_read"] = report.nothing_read
        self._log.info(f"{self._title} complete", **report.totals.as_fields())
        return 1 if failures else 0

    async def _write(
        self, found: SourceFiles, writer: Writer, rejects: RejectWriter | NoRejectWriter, report: Report
    ) -> None:
        """Write the rows of all files, account for each line, and save the rejects."""
        cleaner = ChunkCleaner(self._cleaner, self._limits.min_recent_keys)
        batches = group_batches(self._clean_files(found, cleaner), self._limits)
        async with aclosing(write_concurrently(batches, writer, self._limits)) as chunks:
            async for cleaned, outcomes in chunks:
                rejected = cleaner.find_rejects(cleaned, outcomes)
                report.add(cleaned, outcomes, rejected)
                rejects.add(rejected)
                if cleaned.chunk.is_last:
                    if report.finish_file(cleaned.chunk.file):
                        rejects.complete(cleaned.chunk.file)
                    else:
                        rejects.discard()
        # Before rejects are replaced: what is retried may be nowhere else.
        report.totals.settle(await writer.finish())
        await self._save(rejects, report)

    async def _save(self, rejects: RejectWriter | NoRejectWriter, report: Report) -> None:
        try:
            await rejects.save()
        except FileSystemError as error:
            report.note_unsaved(error, self._fs.locate(rejects_path(self._config.folder)))

    async def _clean_files(
        self, found: SourceFiles, cleaner: ChunkCleaner
    ) -> AsyncGenerator[CleanChunk, None]:
        """Yield the chunks of all files, cleaned."""
        source, limits = select_source(self._config), self._limits
        progress, end = self._run.progress, 0
        is_patient = self._config.is_retry or self._config.min_valid.allows_none
        for file in found.files:
            progress.current, end = file, end + found.sizes.get(file, 0)
            chunks = source.read(self._fs, file, limits, progress)
            async with aclosing(clean_file(chunks, cleaner, limits, is_patient=is_patient)) as cleaned_chunks:
                async for cleaned in cleaned_chunks:
                    yield cleaned
            progress.read_bytes = max(progress.read_bytes, end)  # also of a file that is not read to its end
