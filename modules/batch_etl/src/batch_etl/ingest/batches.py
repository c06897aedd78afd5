"""Reading, cleaning and writing beside one another, in constant memory."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Protocol, TypeAlias

from batch_etl.ingest.cleaning import CleanChunk
from batch_etl.ingest.limits import Limits
from platform_interfaces import Columns

Batch: TypeAlias = list[CleanChunk]


class Writer(Protocol):
    """Where rows go."""

    async def write(self, parts: Sequence[Columns], /) -> bytes:
        """Write the rows of a batch, and return the ``Outcome`` of each, a byte for each."""

    async def finish(self) -> int:
        """Let readers see all rows, and return how many ``PENDING`` ones are duplicates after all."""

    async def find_mismatch(self, inserted: int, /) -> str | None:
        """Return how the rows that are stored differ from those inserted; None when they do not."""


async def group_batches(
    chunks: AsyncGenerator[CleanChunk, None], limits: Limits
) -> AsyncGenerator[Batch, None]:
    """Yield the chunks, as many together as are written together."""
    batch, lines, size = Batch(), 0, 0
    async with aclosing(chunks):
        async for cleaned in chunks:
            batch.append(cleaned)
            lines += len(cleaned.chunk.lines) or 1  # an empty file costs something, too
            size += cleaned.chunk.size
            if lines >= limits.batch_lines or size >= limits.batch_bytes:
                yield batch
                batch, lines, size = Batch(), 0, 0
            await asyncio.sleep(0)  # the writers' turn
    if batch:
        yield batch


async def write_concurrently(
    batches: AsyncGenerator[Batch, None], writer: Writer, limits: Limits
) -> AsyncGenerator[tuple[CleanChunk, bytes], None]:
    """Yield each chunk, in order, with the ``Outcome`` of each of its rows, a byte for each.

    The next batches are being written meanwhile.
    """
    writing = deque[tuple[Batch, asyncio.Task[bytes]]]()

    async def finish_first() -> list[tuple[CleanChunk, bytes]]:
        batch, task = writing[0]
        outcomes = await task
        writing.popleft()
        return list(_split_outcomes(batch, outcomes))

    try:
        async with aclosing(batches):
            async for batch in batches:
                parts = [cleaned.rows for cleaned in batch]
                writing.append((batch, asyncio.create_task(writer.write(parts))))
                if len(writing) == limits.concurrent_batches:
                    for result in await finish_first():
                        yield result
        while writing:
            for result in await finish_first():
                yield result
    finally:
        for _, task in writing:
            task.cancel()
        await asyncio.gather(*(task for _, task in writing), return_exceptions=True)


def _split_outcomes(batch: Batch, outcomes: bytes) -> Iterator[tuple[CleanChunk, bytes]]:
    start = 0
    for cleaned in batch:
        end = start + len(cleaned.rows)
        yield cleaned, outcomes[start:end]
        start = end
