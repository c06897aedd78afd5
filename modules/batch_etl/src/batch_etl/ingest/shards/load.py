"""A load in shards, as the process sees it that the run is of."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from batch_etl.ingest.byte_ranges import WHOLE_FILE
from batch_etl.ingest.dry_run import NoRejectWriter
from batch_etl.ingest.shards.account import settle
from batch_etl.ingest.shards.attempt import ShardResult, ShardTask, attempt_shard, check_shard
from batch_etl.ingest.shards.guard import run_lock_name
from batch_etl.ingest.shards.keys import KeyCollector, KeyStore, OversizeShardError
from batch_etl.ingest.shards.merge import Merge
from batch_etl.ingest.shards.plan import Shard, choose_shard_bytes, find_split_format, plan_shards
from batch_etl.ingest.shards.reject_files import LoggedRejects, remove_of_run
from batch_etl.ingest.shards.ticks import TickRange, TooManyWritesError, count_writes, divide_window
from batch_etl.ingest.source import survey_files
from batch_etl.ingest.totals import Totals
from platform_interfaces import PlatformContext, PlatformError

if TYPE_CHECKING:
    from batch_etl.ingest.cleaner import Cleaner
    from batch_etl.ingest.config import LoadConfig
    from batch_etl.ingest.limits import Limits
    from batch_etl.ingest.report import Report
    from batch_etl.ingest.retrying import Retries
    from batch_etl.ingest.source import SourceFiles
    from batch_etl.ingest.table import TargetTable
    from batch_etl.ingest.window import RunWindow
    from platform_interfaces import ExecutorInterface, RejectWriter

Attempted: TypeAlias = tuple[ShardTask, ShardResult]
ITEMS_OF_WORKER = 2  # one that it works at, and one that waits
LAST_WRITES = 200_000  # of a shard that needs more timestamps than planned
LOCK_SECONDS = 10.0


class ShardedLoad:
    """Plans the shards of a load, has them attempted, and makes one account of the results.

    An attempt may die at any time, run twice, or go on when it is taken for dead. So nothing is added up that
    a second attempt would change.

    Attributes:
        workers: how many workers the load is for; 1 is this process.
    """

    def __init__(
        self, ctx: PlatformContext, config: LoadConfig, cleaner: Cleaner, limits: Limits, found: SourceFiles
    ) -> None:
        self._ctx, self._config, self._cleaner, self._limits = ctx, config, cleaner, limits
        self._found = found
        self.workers = count_workers(ctx.executor if ctx.has_executor else None, found.total_bytes, limits)
        self._shards = list[Shard]()
        self._failures = list[tuple[Shard, Exception]]()

    async def plan(self) -> bool:
        """Return whether the load is done in shards, and plan them."""
        if self.workers == 1 or self._config.is_retry:
            return False
        limits, total = self._limits, self._found.total_bytes or 0
        if self._config.is_dry_run:
            limits = replace(limits, max_shard_bytes=min(limits.max_shard_bytes, limits.max_dry_shard_bytes))
        is_patient = self._config.min_valid.allows_none
        find_format = partial(
            find_split_format, self._ctx.fs, cleaner=self._cleaner, limits=limits, is_patient=is_patient
        )
        shard_bytes = choose_shard_bytes(total, self.workers, limits)
        self._shards = await plan_shards(self._found, shard_bytes, find_format)
        if len(self._shards) < 2:
            return False
        self._ctx.log.info("Loading on workers", shards=len(self._shards), workers=self.workers)
        return True

    async def write(
        self,
        *,
        table: TargetTable,
        window: RunWindow,
        retries: Retries,
        rejects: RejectWriter,
        report: Report,
    ) -> str | None:
        """Load all shards, and return what does not add up.

        Raises:
            PlatformError: when one has failed; the others are loaded.
        """
        ctx, writes = self._ctx, [count_writes(shard, self._limits) for shard in self._shards]
        ranges, until = divide_window(window.after, writes, ends_before_writes=window.is_now)
        tasks = [self._make_task(shard, ticks) for shard, ticks in zip(self._shards, ranges, strict=True)]
        async with ctx.db.lock(run_lock_name(ctx.run.id), timeout=LOCK_SECONDS):
            await window.extend(until)
            try:
                results = await self._collect(tasks, report, partial(self._write_here, window))
                await self._merge(results, rejects, report)
            finally:
                await remove_of_run(ctx.fs, self._config.folder, ctx.run.id)
            self._raise_failure()
            return await settle(ctx.db, table, window, retries, list(results.values()), report)

    async def check(self, *, report: Report) -> None:
        """Do a dry run of all shards.

        Raises:
            PlatformError: when one has failed; the others were read.
        """
        tasks = [self._make_task(shard, None) for shard in self._shards]
        with closing(KeyStore()) as keys:
            results = await self._collect(tasks, report, partial(self._check_here, keys), keys)
            await self._merge(results, NoRejectWriter(), report)
            self._raise_failure()
            report.settle(not_written=keys.count())

    def _make_task(self, shard: Shard, ticks: TickRange | None) -> ShardTask:
        return ShardTask(shard, self._config, self._cleaner, self._limits, ticks)

    async def _collect(
        self,
        tasks: Sequence[ShardTask],
        report: Report,
        attempt_here: Callable[[ShardTask], Awaitable[Attempted]],
        keys: KeyStore | None = None,
    ) -> dict[int, Attempted]:
        """Return one result for each shard that does not fail, by its number."""
        results, too_large = dict[int, Attempted](), list[ShardTask]()

        def take(task: ShardTask, result: ShardResult) -> None:
            results[task.shard.number] = task, result
            self._note(task.shard, result, report)
            if keys:
                keys.add(result.keys)
                result.keys = []

        in_flight = ITEMS_OF_WORKER * self.workers
        async with aclosing(
            self._ctx.executor.map_unordered(attempt_shard, tasks, max_in_flight=in_flight)
        ) as outcomes:
            async for outcome in outcomes:
                if outcome.result is not None:
                    take(outcome.item, outcome.result)
                elif isinstance(outcome.error, OversizeShardError | TooManyWritesError):
                    too_large.append(outcome.item)
                else:
                    self._note_failure(outcome.item.shard, outcome.error)
        for task in too_large:  # after the others, for here is one process
            take(*await attempt_here(task))
        return results

    async def _write_here(self, window: RunWindow, task: ShardTask) -> Attempted:
        [ticks], until = divide_window(window.until, [LAST_WRITES], ends_before_writes=window.is_now)
        await window.extend(until)
        task = replace(task, ticks=replace(ticks, run_after=window.after))
        return task, await attempt_shard(self._ctx, task)

    async def _check_here(self, keys: KeyStore, task: ShardTask) -> Attempted:
        collector = KeyCollector(self._cleaner.key, keys.add)
        return task, await check_shard(self._ctx, task, collector, LoggedRejects(max_bytes=float("inf")))

    def _note(self, shard: Shard, result: ShardResult, report: Report) -> None:
        totals = Totals()
        for part in result.parts:
            totals.merge(part.account.totals)
        self._ctx.run.progress.read_bytes += shard.size
        self._ctx.run.progress.current = shard.parts[-1].path
        report.note_shard(totals)

    def _note_failure(self, shard: Shard, error: Exception | None) -> None:
        self._ctx.log.error("A shard failed", shard=str(shard), reason=str(error))
        self._failures.append((shard, error or PlatformError("it has returned nothing")))

    def _raise_failure(self) -> None:
        """Raise why a shard has failed.

        Raises:
            PlatformError: in that case; names the first.
        """
        if self._failures:
            shard, error = min(self._failures, key=lambda failure: failure[0].number)
            if not isinstance(error, PlatformError):
                raise error
            raise type(error)(f"{shard} failed: {error}") from error

    async def _merge(
        self, results: Mapping[int, Attempted], rejects: RejectWriter | NoRejectWriter, report: Report
    ) -> None:
        merge = Merge(self._ctx.fs, self._config, await self._find_changed(), rejects, report)
        report.begin_merge()
        for shard in self._shards:
            attempted = results.get(shard.number)
            await merge.add(shard, attempted[1] if attempted else None)
        merge.finish()

    async def _find_changed(self) -> set[str]:
        """Return the files that were read in parts, and are others now: their parts may not fit together."""
        split = {part.path for shard in self._shards for part in shard.parts if part.within != WHOLE_FILE}
        if not split:
            return set()
        now = await survey_files(self._ctx.fs, self._config.folder)
        before = self._found
        return {
            path
            for path in split
            if (now.sizes.get(path), now.versions.get(path))
            != (before.sizes.get(path), before.versions.get(path))
        }


def count_workers(executor: ExecutorInterface | None, total_bytes: int | None, limits: Limits) -> int:
    """Return how many workers a load is for; 1 is this process."""
    if executor is None or executor.is_in_process or total_bytes is None:
        return 1
    if executor.workers is not None:
        return executor.workers
    return 1 if total_bytes < limits.min_bytes_for_auto else os.cpu_count() or 1
