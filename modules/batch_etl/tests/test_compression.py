import gzip
import random
import sys
from collections.abc import AsyncGenerator, Callable, Iterator

import pytest

from batch_etl.compression import BLOCK_BYTES, decompressed
from platform_interfaces import FileSystemError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CONTENT = random.Random(1).randbytes(5000).hex().encode()


@pytest.fixture(params=["gz", "zst"])
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def compress(suffix: str) -> Callable[[bytes], bytes]:
    return gzip.compress if suffix == "gz" else zstd.compress


async def read(path: str, data: bytes, block_size: int = 100) -> list[bytes]:
    async def blocks() -> AsyncGenerator[bytes, None]:
        for start in range(0, len(data), block_size):
            yield data[start : start + block_size]

    return [block async for block in decompressed(path, blocks())]


@pytest.mark.parametrize("block_size", [1, 7, 1000, 1_000_000])
async def test_a_file_of_several_members_is_read_whole_wherever_its_blocks_are_cut(
    suffix: str, compress: Callable[[bytes], bytes], block_size: int
) -> None:
    data = compress(CONTENT) + compress(b"") + compress(b"\nend")
    assert b"".join(await read(f"a.{suffix}", data, block_size)) == CONTENT + b"\nend"


async def test_blocks_are_small_however_much_a_file_expands(
    suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    data = compress(b"x" * (10 * BLOCK_BYTES))
    sizes = [len(block) for block in await read(f"a.{suffix}", data, 1_000_000)]
    assert sum(sizes) == 10 * BLOCK_BYTES
    assert max(sizes) <= BLOCK_BYTES


def cuts(data: bytes) -> Iterator[bytes]:
    yield from (data[:size] for size in (1, 5, 10, len(data) // 2, len(data) - 1))


async def test_a_file_that_is_cut_anywhere_is_an_error_that_names_it(
    suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    whole = compress(CONTENT)
    for data in (*cuts(whole), *(whole + cut for cut in cuts(whole))):
        with pytest.raises(FileSystemError, match=f"'a.{suffix}' is cut short"):
            await read(f"a.{suffix}", data)


async def test_a_damaged_file_is_an_error_that_names_it(
    suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    for data in (b"plain text", compress(CONTENT) + b"garbage, more than a header has"):
        with pytest.raises(FileSystemError, match=f"'a.{suffix}' is damaged"):
            await read(f"a.{suffix}", data)


async def test_an_empty_file_is_empty(suffix: str) -> None:
    assert await read(f"a.{suffix}", b"") == []


async def test_another_file_is_left_as_it_is() -> None:
    data = gzip.compress(CONTENT)
    assert b"".join(await read("gz/a.jsonl", data)) == data
