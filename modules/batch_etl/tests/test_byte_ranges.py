import random
from collections.abc import AsyncGenerator, Iterable
from itertools import pairwise

import pytest

from batch_etl.ingest import lines
from batch_etl.ingest.byte_ranges import ByteRange
from batch_etl.ingest.json_lines import JsonLines
from batch_etl.ingest.limits import Limits
from batch_etl.ingest.lines import Chunk, read_raw_lines
from platform_interfaces import Progress
from platform_memory import MemoryFileSystem

DATA = b"\xef\xbb\xbfone\r\n\ntwo\n\n\n\xef\xbb\xbfa line that is longer than most ranges\nlast"


class BlockFileSystem(MemoryFileSystem):
    """Streams in blocks of a given size, and knows which bytes were asked for."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self.offsets = size, list[int]()

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        data = await self.read(path)
        for start in range(offset, len(data), self._size):
            self.offsets.append(start)
            yield data[start : start + self._size]


async def read_ranges(data: bytes, bounds: Iterable[int], block_size: int = 7) -> list[list[Chunk]]:
    fs = BlockFileSystem(block_size)
    await fs.write("file", data)
    ranges = [ByteRange(start, end) for start, end in pairwise([0, *bounds])] + [ByteRange(max([0, *bounds]))]
    return [
        [chunk async for chunk in read_raw_lines(fs, "file", Limits(chunk_lines=2), Progress(), each)]
        for each in ranges
    ]


def addressed(parts: Iterable[Iterable[Chunk]]) -> list[tuple[int, object]]:
    """Return the offset of each line, and the line."""
    chunks = [chunk for part in parts for chunk in part]
    return [pair for chunk in chunks for pair in zip(chunk.offsets, chunk.lines, strict=True)]


@pytest.mark.parametrize("block_size", [1, 2, 7, 1000])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
async def test_each_line_is_in_exactly_one_range_wherever_a_file_is_split(
    block_size: int, end: bytes
) -> None:
    data, draw = DATA + end, random.Random(14)
    whole = addressed(await read_ranges(data, [], block_size))
    assert b"\n".join(line for _, line in whole if isinstance(line, bytes)) == data.removesuffix(b"\n")
    for bound in range(1, len(data) + 3):
        assert addressed(await read_ranges(data, [bound], block_size)) == whole
    for _ in range(50):
        bounds = sorted(draw.sample(range(1, len(data)), draw.randint(2, 9)))
        assert addressed(await read_ranges(data, bounds, block_size)) == whole


async def test_a_range_owns_the_lines_that_begin_in_it() -> None:
    first, second = await read_ranges(b"one\ntwo\nthree", [4])
    assert [chunk.lines for chunk in first] == [[b"one"]]
    assert [chunk.lines for chunk in second] == [[b"two"], [b"three"]]
    first, second = await read_ranges(b"one\ntwo\nthree", [5])
    assert [chunk.lines for chunk in first] == [[b"one", b"two"]]
    assert [chunk.lines for chunk in second] == [[b"three"]]


async def test_a_range_in_the_middle_of_a_line_has_none() -> None:
    parts = await read_ranges(b"a long line\nb", [2, 5, 12])
    assert [len(addressed([part])) for part in parts] == [1, 0, 0, 1]
    assert all(part[-1].is_last for part in parts)


async def test_only_the_first_line_of_a_file_has_the_number_1() -> None:
    first, second = await read_ranges(b"one\ntwo", [4])
    assert (list(first[0].numbers), list(second[0].numbers)) == ([1], [2])


async def test_a_range_has_the_format_of_its_file_whatever_its_first_line_is() -> None:
    fs = BlockFileSystem(7)
    await fs.write("file", b"{}\n\xff\xfe\n{}\n")
    within = ByteRange(3, None, JsonLines)
    [chunk] = [chunk async for chunk in read_raw_lines(fs, "file", Limits(), Progress(), within)]
    assert isinstance(chunk.format, JsonLines)


async def test_only_the_range_at_the_end_of_the_file_can_be_truncated() -> None:
    assert [part[-1].is_truncated for part in await read_ranges(b"one\ntwo", [4])] == [False, True]
    assert [part[-1].is_truncated for part in await read_ranges(b"one\ntwo", [5])] == [True, False]
    assert [part[-1].is_truncated for part in await read_ranges(b"one\ntwo\n", [4])] == [False, False]


async def test_what_is_before_a_range_and_behind_it_is_not_read() -> None:
    fs = BlockFileSystem(10)
    await fs.write("file", b"123456789\n" * 100)
    progress = Progress()
    chunks = [chunk async for chunk in read_raw_lines(fs, "file", Limits(), progress, ByteRange(500, 520))]
    assert [offset for chunk in chunks for offset in chunk.offsets] == [500, 510]
    assert (min(fs.offsets), max(fs.offsets), progress.read_bytes) == (499, 519, 30)


async def test_lines_that_are_too_long_are_passed_over_in_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 5)
    data = b"a\n123456\nb\n1234567890123\nc\n"
    whole = addressed(await read_ranges(data, []))
    for bound in range(1, len(data)):
        assert addressed(await read_ranges(data, [bound])) == whole
