"""Reading, preparing and writing beside one another, in constant memory."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Protocol

from batch_etl.preparation import Prepared
from platform_interfaces import Columns

# A portion is written in one transaction. It has so many lines that round trips and the wait for the disk
# count for little, and so few that several can be held at once. RecentKeys has to know the events of all.
PORTION_LINES, PORTION_BYTES = 5_000, 4 * 1024 * 1024
PORTIONS = 3  # written at a time

Portion = list[Prepared]


class Writer(Protocol):
    """Where events go."""

    async def write(self, parts: Sequence[Columns]) -> bytes:
        """The ``Outcome`` of each event, a byte for each."""


async def in_portions(chunks: AsyncGenerator[Prepared, None]) -> AsyncGenerator[Portion, None]:
    """The chunks, as many together as are to be written together."""
    portion, lines, size = Portion(), 0, 0
    async with aclosing(chunks):
        async for prepared in chunks:
            portion.append(prepared)
            lines += len(prepared.chunk.lines) or 1  # an empty file costs something, too
            size += prepared.chunk.size
            if lines >= PORTION_LINES or size >= PORTION_BYTES:
                yield portion
                portion, lines, size = Portion(), 0, 0
            await asyncio.sleep(0)  # the writers' turn
    if portion:
        yield portion


async def written(
    portions: AsyncGenerator[Portion, None], writer: Writer
) -> AsyncGenerator[tuple[Prepared, bytes], None]:
    """Each chunk, in order, with the ``Outcome`` of each of its unique events, a byte for each.

    The next ones are under way meanwhile.
    """
    writing = deque[tuple[Portion, asyncio.Task[bytes]]]()

    async def finish() -> list[tuple[Prepared, bytes]]:
        portion, task = writing[0]
        outcomes = await task
        writing.popleft()
        return list(_of_each(portion, outcomes))

    try:
        async with aclosing(portions):
            async for portion in portions:
                parts = [prepared.unique for prepared in portion]
                writing.append((portion, asyncio.create_task(writer.write(parts))))
                if len(writing) == PORTIONS:
                    for result in await finish():
                        yield result
        while writing:
            for result in await finish():
                yield result
    finally:
        for _, task in writing:
            task.cancel()
        await asyncio.gather(*(task for _, task in writing), return_exceptions=True)


def _of_each(portion: Portion, outcomes: bytes) -> Iterator[tuple[Prepared, bytes]]:
    start = 0
    for prepared in portion:
        end = start + len(prepared.unique)
        yield prepared, outcomes[start:end]
        start = end
