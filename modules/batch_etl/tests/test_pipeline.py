"""Portions: how many events are in each, and how they are written beside one another."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from batch_etl import pipeline
from batch_etl.pipeline import in_portions, written
from batch_etl.preparation import Prepared, RecentKeys
from batch_etl.reader import Chunk
from batch_etl.writer import Outcome
from platform_interfaces import Columns


def prepared(number: int, *, size: int = 10) -> Prepared:
    """A chunk of one event, and of so many bytes."""
    return Prepared(Chunk("a", [b"x" * (size - 1)]), 0, [], 0, Columns({"dedup_key": [b"%d" % number]}))


async def chunks(*sizes: int) -> AsyncGenerator[Prepared, None]:
    for number, size in enumerate(sizes):
        yield prepared(number, size=size)


async def sizes_of_portions(*sizes: int) -> list[list[int]]:
    return [[one.chunk.size for one in portion] async for portion in in_portions(chunks(*sizes))]


async def test_a_portion_ends_when_it_has_enough_lines_or_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "PORTION_LINES", 3)
    monkeypatch.setattr(pipeline, "PORTION_BYTES", 100)
    assert await sizes_of_portions(1, 2, 3, 4, 5) == [[1, 2, 3], [4, 5]]
    assert await sizes_of_portions(1, 99, 100, 1) == [[1, 99], [100], [1]]
    assert await sizes_of_portions() == []


class Meeting:
    """A writer whose writes wait for one another; if asked to, the first fails and the others never end."""

    def __init__(self, *, is_failing: bool = False) -> None:
        self._is_failing = is_failing
        self._all_here = asyncio.Barrier(pipeline.PORTIONS)
        self.begun = self.cancelled = 0

    async def write(self, parts: Sequence[Columns]) -> bytes:
        self.begun += 1
        is_first = self.begun == 1
        async with asyncio.timeout(30):
            await self._all_here.wait()
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


async def test_several_portions_are_written_at_once_and_told_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline, "PORTION_LINES", 1)
    assert pipeline.PORTIONS > 1
    portions = in_portions(chunks(*range(1, pipeline.PORTIONS + 1)))
    async with aclosing(written(portions, Meeting())) as results:
        found = [(one.chunk.size, outcomes) async for one, outcomes in results]
    assert found == [(number, bytes([Outcome.SKIPPED])) for number in range(1, pipeline.PORTIONS + 1)]


async def test_no_write_goes_on_when_another_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "PORTION_LINES", 1)
    writer = Meeting(is_failing=True)
    with pytest.raises(OSError, match="gone"):
        async with aclosing(written(in_portions(chunks(1, 1, 1, 1)), writer)) as results:
            async for _ in results:
                pass
    assert writer.cancelled == pipeline.PORTIONS - 1


def test_recent_keys_are_the_newest_and_not_many_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecentKeys, "NEWEST", 3)
    recent, events = RecentKeys(), [("case", b"{}", "test", bytes([number])) for number in range(20)]
    for number, event in enumerate(events):
        assert recent.add([event, event]) == [event]
        assert recent.add(events[max(number - 2, 0) : number + 1]) == []
    assert recent.add([events[-7]]) == [events[-7]]
