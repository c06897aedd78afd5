"""In any number of shards, and whatever becomes of attempts, a load has the account of one process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from batch_etl.ingest import Limits
from platform_interfaces import Reject, find_rejects
from platform_memory import MemoryDatabase
from tests.helpers.event_job import FOLDER, EventJob, totals
from tests.helpers.shards import FAULTS, FaultyExecutor
from tests.helpers.tables import make_tables
from tests.property.event_files import event_files
from tests.property.test_batch_etl import BlockFileSystem, load, stored

files = st.dictionaries(
    st.sampled_from([f"{FOLDER}/{name}" for name in ("a", "b", "c/d")]), event_files(), min_size=1
)


def make_limits(files: dict[str, bytes], shards: int, batch_lines: int) -> Limits:
    """Return limits by which there are so many shards, if there are so many lines."""
    size = max(1, sum(map(len, files.values())) // shards)
    return Limits(
        chunk_lines=3,
        batch_lines=batch_lines,
        min_recent_keys=3 * (batch_lines + 3),
        min_shard_bytes=size,
        max_shard_bytes=size,
        max_dry_shard_bytes=size,
        first_pause_seconds=0.001,
        longest_pause_seconds=0.001,
    )


async def rejects_of(job: EventJob) -> list[Reject]:
    return [reject async for reject in find_rejects(job.fs, FOLDER)]


def figures(result: Any) -> dict[str, Any]:
    """Return what the figures of a run in shards and in one process have in common."""
    return {name: value for name, value in result.figures.items() if not name.startswith("created_")}


@settings(max_examples=settings().max_examples // 8)  # each of them runs the job six times
@given(
    files,
    event_files(),
    st.sampled_from([1, 2, 3, 7]),
    st.sampled_from([3, 100]),
    st.sampled_from([1, 7, 10_000]),
    st.lists(st.sampled_from(FAULTS), min_size=1, max_size=7),
)
def test_a_load_in_shards_is_that_of_one_process(
    files: dict[str, bytes],
    later: bytes,
    shards: int,
    batch_lines: int,
    block_bytes: int,
    faults: Sequence[str],
) -> None:
    async def check() -> None:
        more = {**files, f"{FOLDER}/bb": later}
        limits = make_limits(files, shards, batch_lines)
        async with MemoryDatabase() as one, MemoryDatabase() as many:
            for db in (one, many):
                await make_tables(db)
            alone = EventJob(one, BlockFileSystem(block_bytes), limits)
            executor = FaultyExecutor(faults=faults)
            sharded = EventJob(many, BlockFileSystem(block_bytes), limits, executor)
            for content, arguments in ((files, {"dry_run": True}), (files, {}), (more, {})):
                expected, result = (
                    await load(alone, content, **arguments),
                    await load(sharded, content, **arguments),
                )
                assert totals(result) == totals(expected)
                assert (result.code, result.run.failures) == (expected.code, expected.run.failures)
                assert figures(result) == figures(expected)
                assert (result.run.rejects, result.run.progress.records) == (
                    expected.run.rejects,
                    expected.run.progress.records,
                )
                assert await stored(many) == await stored(one)
                assert await rejects_of(sharded) == await rejects_of(alone)
                assert lines_logged(result) == lines_logged(expected)
            assert await sharded.fs.list("rejected") == await alone.fs.list("rejected")

    asyncio.run(check())


def lines_logged(result: Any) -> list[Any]:
    """Return what is logged of rejected lines, and at which level."""
    return [(event.level, event.fields) for event in result.events if event.message == "Invalid line"]
