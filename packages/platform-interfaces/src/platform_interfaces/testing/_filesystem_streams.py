"""What readers of streams may rely on: bytes of their own, little memory, nothing left open."""

import asyncio
import gc
import os
import tracemalloc
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from platform_interfaces import FileMissingError, FileSystemError, FileSystemInterface
from platform_interfaces.testing._support import CaseError, bounded

MIB = 1024 * 1024
_DESCRIPTORS = Path("/dev/fd")


def _open_descriptors() -> int:
    """Return how many files the process has open; 0 where the system does not say."""
    return len(os.listdir(_DESCRIPTORS)) if _DESCRIPTORS.is_dir() else 0  # noqa: PTH208 - no path is needed


class FileSystemStreamCases:
    """A stream can be left at any time."""

    pooled_descriptors: int = 0
    """How many connections the adapter may keep open, beyond those of a first use, for the next one."""

    async def test_what_is_read_is_bytes(self, fs: FileSystemInterface) -> None:
        await fs.write("a", b"x" * (3 * MIB))
        assert type(await fs.read("a")) is bytes
        blocks = [block async for block in fs.stream("a")]
        assert {type(block) for block in blocks} == {bytes}

    async def test_streams_of_one_file_do_not_share_their_position(self, fs: FileSystemInterface) -> None:
        data = b"".join(number.to_bytes(4, "big") for number in range(MIB))
        await fs.write("a", data)

        async def read() -> bytes:
            return b"".join([block async for block in fs.stream("a")])

        async with bounded():
            found = await asyncio.gather(*(read() for _ in range(4)))
        # One by one: the difference of lists of megabytes takes minutes to show.
        assert all(content == data for content in found)

    async def test_a_stream_begins_at_its_offset(self, fs: FileSystemInterface) -> None:
        data = b"".join(number.to_bytes(4, "big") for number in range(3 * MIB // 4))
        await fs.write("a", data)
        for offset in (0, 1, 65_536, MIB, MIB + 1, 3 * MIB - 1, 3 * MIB, 4 * MIB):
            blocks = [block async for block in fs.stream("a", offset=offset)]
            assert all(blocks)
            # The difference of megabytes takes minutes to show.
            is_the_rest = b"".join(blocks) == data[offset:]
            assert is_the_rest, offset

    async def test_a_stream_takes_little_memory(self, fs: FileSystemInterface) -> None:
        await fs.write("a", bytes(48 * MIB))
        tracemalloc.start()
        try:
            async for _ in fs.stream("a"):
                pass
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 24 * MIB

    async def test_nothing_stays_open(self, fs: FileSystemInterface) -> None:
        """Neither after a stream that was left early, nor after a call that failed or was cancelled."""

        async def failing() -> AsyncIterator[bytes]:
            yield b"x" * (2 * MIB)
            raise CaseError("source failed")

        async def use_everything() -> None:
            blocks = fs.stream("dir/a")
            await anext(blocks)
            await blocks.aclose()
            reading = asyncio.create_task(fs.read("dir/a"))
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            with pytest.raises(CaseError, match="source failed"):
                await fs.write_stream("dir/b", failing())
            with pytest.raises(FileSystemError):
                await fs.read("dir")
            with pytest.raises(FileSystemError):
                await anext(fs.stream("dir"))
            with pytest.raises(FileMissingError):
                await fs.read("dir/none")

        await fs.write("dir/a", b"x" * (3 * MIB))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            async with bounded():
                await use_everything()
                gc.collect()
                before = _open_descriptors()
                for _ in range(20):
                    await use_everything()
            after = _open_descriptors()
            gc.collect()
        assert after <= before + self.pooled_descriptors
        assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []
        await fs.write("dir/a", b"new")
        assert await fs.delete("dir/a") is True
        assert await fs.list("") == []
