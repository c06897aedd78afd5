"""How many rows are in a batch, and how batches are written beside one another."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from batch_etl.ingest.batches import group_batches, write_concurrently
from batch_etl.ingest.cleaning import CleanChunk, RecentKeys
from batch_etl.ingest.json_lines import JsonLines
from batch_etl.ingest.limits import Limits
from batch_etl.ingest.lines import Chunk
from batch_etl.ingest.outcome import Outcome
from batch_etl.ingest.unstored_fields import UnstoredFields
from platform_interfaces import Columns

ONE_LINE = Limits(batch_lines=1, concurrent_batches=3)


def make_chunk(number: int, *, size: int = 10) -> CleanChunk:
    """Return a chunk of one row, and of so many bytes."""
    chunk = Chunk("a", JsonLines(), [b"x" * (size - 1)])
    return CleanChunk(chunk, 0, [], 0, Columns({"dedup_key": [b"%d" % number]}), UnstoredFields())


async def make_chunks(*sizes: int) -> AsyncGenerator[CleanChunk, None]:
    for number, size in enumerate(sizes):
        yield make_chunk(number, size=size)


async def test_a_batch_ends_when_it_has_enough_lines_or_bytes() -> None:
    limits = Limits(batch_lines=3, batch_bytes=100)

    async def group_sizes(*sizes: int) -> list[list[int]]:
        batches = group_batches(make_chunks(*sizes), limits)
        return [[cleaned.chunk.size for cleaned in batch] async for batch in batches]

    assert await group_sizes(1, 2, 3, 4, 5) == [[1, 2, 3], [4, 5]]
    assert await group_sizes(1, 99, 100, 1) == [[1, 99], [100], [1]]
    assert await group_sizes() == []


class MeetingWriter:
    """A writer whose writes wait for one another; if asked to, the first fails and the others never end."""

    def __init__(self, *, is_failing: bool = False) -> None:
        self._is_failing = is_failing
        self._all_started = asyncio.Barrier(ONE_LINE.concurrent_batches)
        self.started = self.cancelled = 0

    async def write(self, parts: Sequence[Columns]) -> bytes:
        self.started += 1
        is_first = self.started == 1
        async with asyncio.timeout(30):
            await self._all_started.wait()
        if not self._is_failing:
            return bytes([Outcome.SKIPPED]) * sum(map(len, parts))
        if is_first:
            raise OSError("gone")
        try:
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return b""

    async def finish(self) -> int:
        """Return 0."""
        return 0

    async def find_mismatch(self, inserted: int) -> None:
        """Return None."""


async def test_several_batches_are_written_at_once_and_reported_in_order() -> None:
    batches = group_batches(make_chunks(1, 2, 3), ONE_LINE)
    async with aclosing(write_concurrently(batches, MeetingWriter(), ONE_LINE)) as results:
        found = [(cleaned.chunk.size, outcomes) async for cleaned, outcomes in results]
    assert found == [(number, bytes([Outcome.SKIPPED])) for number in (1, 2, 3)]


async def test_no_write_goes_on_when_another_has_failed() -> None:
    writer = MeetingWriter(is_failing=True)
    batches = group_batches(make_chunks(1, 1, 1, 1), ONE_LINE)
    with pytest.raises(OSError, match="gone"):
        async with aclosing(write_concurrently(batches, writer, ONE_LINE)) as results:
            async for _ in results:
                pass
    assert writer.cancelled == ONE_LINE.concurrent_batches - 1


def test_recent_keys_are_the_newest_and_not_many_more() -> None:
    recent = RecentKeys(key_index=3, minimum=3)
    rows = [("case", b"{}", "test", bytes([number])) for number in range(20)]
    for number, row in enumerate(rows):
        assert recent.keep_new([row, row]) == [row]
        assert recent.keep_new(rows[max(number - 2, 0) : number + 1]) == []
    assert recent.keep_new([rows[-7]]) == [rows[-7]]
