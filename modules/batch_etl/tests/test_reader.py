from collections.abc import AsyncGenerator

import pytest

from batch_etl import reader
from batch_etl.reader import read_raw_data
from platform_memory import MemoryFileSystem


class BlockFileSystem(MemoryFileSystem):
    """Streams in blocks of a given size, so that lines are cut everywhere."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    async def stream(self, path: str) -> AsyncGenerator[bytes, None]:
        data = await self.read(path)
        for start in range(0, len(data), self._size):
            yield data[start : start + self._size]


async def lines_of(data: bytes, block_size: int = 7) -> list[tuple[int, bytes | None]]:
    fs = BlockFileSystem(block_size)
    await fs.write("file", data)
    return [
        (number, line)
        async for chunk in read_raw_data(fs, "file")
        for number, line in enumerate(chunk.lines, chunk.first_number)
    ]


@pytest.mark.parametrize("block_size", [1, 2, 3, 5, 8, 13, 1000])
async def test_lines_are_the_same_wherever_the_blocks_are_cut(block_size: int) -> None:
    data = b"one\r\n\ntwo\xe2\x80\xa8still two\n  \nthree\rstill three\nlast"
    expected = [b"one\r", b"", b"two\xe2\x80\xa8still two", b"  ", b"three\rstill three", b"last"]
    assert await lines_of(data, block_size) == list(enumerate(expected, 1))


async def test_a_line_end_at_the_end_begins_no_line() -> None:
    assert await lines_of(b"a\nb\n") == [(1, b"a"), (2, b"b")]
    assert await lines_of(b"\n") == [(1, b"")]
    assert await lines_of(b"") == []


async def test_a_byte_order_mark_is_left_out_at_the_start_only() -> None:
    mark = b"\xef\xbb\xbf"
    assert await lines_of(mark + b"a\n" + mark + b"b") == [(1, b"a"), (2, mark + b"b")]


async def test_an_overlong_line_is_passed_over_and_its_neighbours_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "MAX_LINE_BYTES", 20)
    data = b"a\n" + b"x" * 20 + b"\n" + b"y" * 21 + b"\nb\n" + b"z" * 1000
    assert await lines_of(data) == [(1, b"a"), (2, b"x" * 20), (3, None), (4, b"b"), (5, None)]
