"""An attempt at a shard: what a load does, for some of the lines, on some worker."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batch_etl.ingest.batches import Writer, group_batches, write_concurrently
from batch_etl.ingest.byte_ranges import WHOLE_FILE
from batch_etl.ingest.cleaning import ChunkCleaner, CleanChunk, clean_file
from batch_etl.ingest.file_account import FileAccount
from batch_etl.ingest.lines import read_raw_lines
from batch_etl.ingest.reject_log import find_hint, is_error
from batch_etl.ingest.shards.guard import GuardedRetries, RunGuard
from batch_etl.ingest.shards.keys import KeyCollector
from batch_etl.ingest.shards.reject_files import LoggedRejects, ShardRejects
from batch_etl.ingest.shards.ticks import AttemptWindow, TickRange
from batch_etl.ingest.table import TargetTable
from batch_etl.ingest.table_writer import TableWriter
from platform_interfaces import FileSystemError, PlatformContext, PlatformError, Progress

if TYPE_CHECKING:
    from datetime import datetime

    from batch_etl.ingest.cleaner import Cleaner
    from batch_etl.ingest.config import LoadConfig
    from batch_etl.ingest.limits import Limits
    from batch_etl.ingest.shards.plan import Shard


@dataclass(frozen=True, slots=True)
class ShardTask:
    """What an attempt is sent: all that it needs beside its context; ``ticks`` is None in a dry run."""

    shard: Shard
    config: LoadConfig
    cleaner: Cleaner
    limits: Limits
    ticks: TickRange | None


@dataclass
class PartResult:
    """What became of a part of a file.

    Attributes:
        account: its totals, and what was noticed.
        rejects: how many of the rejects of the shard are its own.
        hint: see ``find_hint``.
    """

    account: FileAccount = field(default_factory=FileAccount)
    rejects: int = 0
    hint: str | None = None


@dataclass
class ShardResult:
    """What an attempt returns; any attempt of a shard returns what stands for the shard.

    Attributes:
        parts: the results of the parts of the shard, in order.
        error_codes: reject codes that are logged as errors.
        rejects_path: the file that has the rejects; None where there are none or they could not be stored.
        unsaved: why they could not be stored; empty where they were.
        packed_rejects: what is logged of rejects that are in no file.
        met: the ids of older rows that were met, packed.
        attempt_after: the timestamp that the rows of the attempt come after; None in a dry run.
        keys: the keys of a dry run, in buckets.
    """

    parts: list[PartResult] = field(default_factory=list)
    error_codes: set[str] = field(default_factory=set)
    rejects_path: str | None = None
    unsaved: str = ""
    packed_rejects: bytes = b""
    met: bytes = b""
    attempt_after: datetime | None = None
    keys: list[bytes] = field(default_factory=list)


async def attempt_shard(ctx: PlatformContext, task: ShardTask) -> ShardResult:
    """Load a shard, or, in a dry run, into nothing; also beside another attempt, or after one.

    Raises:
        RunEndedError: when the run has ended meanwhile; what was written stays.
        TooManyWritesError: when the attempt has no timestamps left; what was written stays.
        OversizeShardError: when there is too much to return.
        PlatformError: what a load raises.
    """
    if task.ticks is None:
        return await check_shard(ctx, task, KeyCollector(task.cleaner.key), LoggedRejects())
    return await _write_shard(ctx, task, task.ticks)


async def check_shard(
    ctx: PlatformContext, task: ShardTask, keys: KeyCollector, rejects: LoggedRejects
) -> ShardResult:
    """Return what a dry run of a shard finds.

    Raises:
        OversizeShardError: when it is more than ``keys`` or ``rejects`` may have.
        PlatformError: what a load raises.
    """
    result = await _transfer(ctx, task, keys, rejects)
    result.packed_rejects, result.keys = rejects.pack(), keys.take()
    return result


async def _write_shard(ctx: PlatformContext, task: ShardTask, ticks: TickRange) -> ShardResult:
    retries = GuardedRetries(ctx.log, task.limits, RunGuard(ctx.db, ctx.run.id, ticks))
    window, table = AttemptWindow(ticks), TargetTable(ctx.db, task.config, task.cleaner)
    writer = TableWriter(ctx.db, ctx.log, table, window, retries)
    try:
        with closing(ShardRejects(ctx.run.id)) as rejects:
            result = await _transfer(ctx, task, writer, rejects)
            try:
                result.rejects_path = await rejects.store(ctx.fs, task.config.folder, task.shard.number)
            except FileSystemError as error:  # as in one process, what is good is loaded all the same
                result.unsaved, result.packed_rejects = str(error), rejects.pack()
    except PlatformError as error:
        if explained := retries.explain(error):
            raise explained from error
        raise
    result.attempt_after, result.met = window.attempt_after, writer.met.pack()
    return result


async def _transfer(
    ctx: PlatformContext, task: ShardTask, writer: Writer, rejects: ShardRejects | LoggedRejects
) -> ShardResult:
    """Write the rows of all parts, and account for each line."""
    cleaner = ChunkCleaner(task.cleaner, task.limits.min_recent_keys)
    result, part = ShardResult(), PartResult()
    batches = group_batches(_clean_parts(ctx, task, cleaner), task.limits)
    async with aclosing(write_concurrently(batches, writer, task.limits)) as chunks:
        async for cleaned, outcomes in chunks:
            rejected = cleaner.find_rejects(cleaned, outcomes)
            rejects.add(rejected)
            part.account.add(cleaned, outcomes)
            part.rejects += len(rejected)
            if part.hint is None and rejected:
                part.hint = find_hint(cleaned.chunk, rejected, task.cleaner.fields)
            result.error_codes.update(str(each.reasons[0].code) for each in rejected if is_error(each))
            if cleaned.chunk.is_last:
                result.parts.append(part)
                part = PartResult()
    return result


async def _clean_parts(
    ctx: PlatformContext, task: ShardTask, cleaner: ChunkCleaner
) -> AsyncGenerator[CleanChunk, None]:
    """Yield the chunks of all parts, cleaned."""
    limits = task.limits
    for part in task.shard.parts:
        # A file that is split has a valid line among its first: see ``find_split_format``.
        is_patient = task.config.min_valid.allows_none or part.within != WHOLE_FILE
        chunks = read_raw_lines(ctx.fs, part.path, limits, Progress(), part.within)
        async with aclosing(clean_file(chunks, cleaner, limits, is_patient=is_patient)) as cleaned_chunks:
            async for cleaned in cleaned_chunks:
                yield cleaned
