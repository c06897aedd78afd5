from collections.abc import AsyncGenerator

import pytest

from batch_etl.ingest import lines
from batch_etl.ingest.formats import WrongEncoding
from batch_etl.ingest.limits import Limits
from batch_etl.ingest.lines import Chunk, Line, LongLine, read_raw_lines
from platform_interfaces import FileSystemError, Progress
from platform_memory import MemoryFileSystem


class BlockFileSystem(MemoryFileSystem):
    """Streams in blocks of a given size, so that lines are split everywhere."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        data = await self.read(path)
        for start in range(offset, len(data), self._size):
            yield data[start : start + self._size]


async def chunks_of(data: bytes, block_size: int = 7) -> list[Chunk]:
    fs = BlockFileSystem(block_size)
    await fs.write("file", data)
    return [chunk async for chunk in read_raw_lines(fs, "file", Limits(), Progress())]


async def lines_of(data: bytes, block_size: int = 7) -> list[tuple[int, Line]]:
    chunks = await chunks_of(data, block_size)
    return [pair for chunk in chunks for pair in zip(chunk.numbers, chunk.lines, strict=True)]


@pytest.mark.parametrize("block_size", [1, 2, 3, 5, 8, 13, 1000])
async def test_lines_are_the_same_wherever_the_blocks_are_split(block_size: int) -> None:
    data = b"one\r\n\ntwo\xe2\x80\xa8still two\n  \nthree\rstill three\nlast"
    expected = [b"one\r", b"", b"two\xe2\x80\xa8still two", b"  ", b"three\rstill three", b"last"]
    assert await lines_of(data, block_size) == list(enumerate(expected, 1))


async def test_a_line_end_at_the_end_begins_no_line() -> None:
    assert await lines_of(b"a\nb\n") == [(1, b"a"), (2, b"b")]
    assert await lines_of(b"\n") == [(1, b"")]
    assert await lines_of(b"") == []


@pytest.mark.parametrize("block_size", [1, 7, 1000])
async def test_the_offset_of_a_line_is_where_its_bytes_are(block_size: int) -> None:
    data = b"\xef\xbb\xbfone\r\n\ntwo\n  \nlast"
    for chunk in await chunks_of(data, block_size):
        for line, number, offset in zip(chunk.lines, chunk.numbers, chunk.offsets, strict=True):
            assert isinstance(line, bytes)
            assert data[offset:].startswith(line)
            assert data.count(b"\n", 0, offset) == number - 1


@pytest.mark.parametrize(
    ("data", "is_truncated"), [(b"a\nb", True), (b"a\nb\n", False), (b"", False), (b"a", True)]
)
async def test_only_the_last_chunk_says_so_and_whether_its_line_is_truncated(
    data: bytes, is_truncated: bool
) -> None:
    *others, last = await chunks_of(data, 1)
    assert last.is_last
    assert last.is_truncated is is_truncated
    assert not any(chunk.is_last or chunk.is_truncated for chunk in others)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
async def test_a_file_with_the_mark_of_another_encoding_has_a_format_of_its_own(encoding: str) -> None:
    data = "\ufeffa\nb\n".encode(encoding) if encoding.endswith("le") else "a\nb\n".encode(encoding)
    assert all(isinstance(chunk.format, WrongEncoding) for chunk in await chunks_of(data, 3))
    assert not any(
        isinstance(chunk.format, WrongEncoding) for chunk in await chunks_of(b"\xef\xbb\xbfa\nb\n", 3)
    )


async def test_an_overlong_line_is_passed_over_and_its_neighbours_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 20)
    data = b"a\n" + b"x" * 20 + b"\n" + b"y" * 21 + b"\nb\n" + b"z" * 1000
    assert await lines_of(data) == [
        (1, b"a"),
        (2, b"x" * 20),
        (3, LongLine(21)),
        (4, b"b"),
        (5, LongLine(1000)),
    ]


class FailingFileSystem(BlockFileSystem):
    """Fails at the end of each file."""

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        async for block in super().stream(path, offset=offset):
            yield block
        raise FileSystemError("changed")


@pytest.mark.parametrize("block_size", [1, 7, 1000])
@pytest.mark.parametrize("chunk_lines", [1, 2, 200])
async def test_the_last_chunk_of_a_file_that_fails_at_its_end_has_the_last_whole_line_and_the_error(
    block_size: int, chunk_lines: int
) -> None:
    fs = FailingFileSystem(block_size)
    await fs.write("file", b"one\ntwo\nthree\nfou")
    chunks = [
        chunk async for chunk in read_raw_lines(fs, "file", Limits(chunk_lines=chunk_lines), Progress())
    ]
    assert [line for chunk in chunks for line in chunk.lines] == [b"one", b"two", b"three"]
    assert [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert str(chunks[-1].failure) == "changed"
    assert not chunks[-1].is_truncated
