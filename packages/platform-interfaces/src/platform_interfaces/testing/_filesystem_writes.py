"""What writers and readers of one file may rely on: the old content or the new, whole."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from platform_interfaces import Capability, FileMissingError, FileSystemError, FileSystemInterface
from platform_interfaces.testing._capabilities import requires, requires_lack_of
from platform_interfaces.testing._filesystem_raw import RawFiles
from platform_interfaces.testing._support import CaseError, bounded, give_turns

LARGE = 33 * 1024 * 1024 + 7  # beyond the sizes at which storage takes a file in parts
MIB = 1024 * 1024


async def blocks_of(data: bytes, size: int = MIB) -> AsyncIterator[bytes]:
    """Yield ``data`` in blocks."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def put(fs: FileSystemInterface, way: str, path: str, data: bytes) -> None:
    """Write by ``write`` or by ``write_stream``."""
    if way == "write":
        await fs.write(path, data)
    else:
        assert await fs.write_stream(path, blocks_of(data)) == len(data)


class FileSystemWriteCases(RawFiles):
    """Writes are atomic, whole and independent of each other."""

    @pytest.mark.parametrize("way", ["write", "write_stream"])
    async def test_readers_never_see_a_part_of_a_write(self, fs: FileSystemInterface, way: str) -> None:
        contents = [b"a" * (3 * MIB), b"b" * MIB, b"c" * (5 * MIB)]
        await fs.write("dir/a", contents[0])
        is_done = asyncio.Event()

        async def read() -> None:
            while not is_done.is_set():
                await asyncio.sleep(0)
                assert await fs.read("dir/a") in contents
                assert await fs.exists("dir/a") is True
                assert await fs.list("") == ["dir/a"]
                assert b"".join([block async for block in fs.stream("dir/a")]) in contents

        readers = [asyncio.create_task(read()) for _ in range(3)]
        try:
            async with bounded():
                for number in range(12):
                    await put(fs, way, "dir/a", contents[number % 3])
        finally:
            is_done.set()
            failures = await asyncio.gather(*readers, return_exceptions=True)
        assert failures == [None] * 3

    async def test_a_write_of_what_is_not_bytes_leaves_the_old_content(self, fs: FileSystemInterface) -> None:
        await fs.write("dir/a", b"old")
        data: Any
        for data in ("text", None, [b"bytes"], 1.5):
            with pytest.raises((TypeError, ValueError, FileSystemError)):
                await fs.write("dir/a", data)
            with pytest.raises((TypeError, ValueError, FileSystemError)):
                await fs.write("new/a", data)
        assert await fs.read("dir/a") == b"old"
        assert await fs.list("") == ["dir/a"]

    async def test_a_write_that_the_storage_cannot_take_leaves_the_old_content(
        self, fs: FileSystemInterface
    ) -> None:
        """Where the system limits the size of files, a storage that is made of files fails half-way."""
        resource = pytest.importorskip("resource", reason="the system has no limits for processes")
        await fs.write("dir/a", b"old")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        for way in ("write", "write_stream"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
            try:
                await put(fs, way, "dir/a", b"n" * (4 * MIB))
                expected = b"n" * (4 * MIB)
            except FileSystemError:
                expected = b"old"
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert await self.raw_read(fs, "dir/a") == expected
            assert await fs.read("dir/a") == expected
            assert await fs.list("") == ["dir/a"]
            await fs.write("dir/a", b"old")

    @pytest.mark.parametrize("way", ["write", "write_stream"])
    async def test_a_cancelled_write_does_not_go_on(self, fs: FileSystemInterface, way: str) -> None:
        data = b"n" * (4 * MIB)
        async with bounded():
            for turns in range(10):
                await fs.write("a", b"old")
                task = asyncio.create_task(put(fs, way, "a", data))
                await give_turns(turns)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                found = await fs.read("a")
                assert found in (b"old", data)
                await put(fs, way, "other", data)  # takes as long as what may be going on
                await fs.delete("other")
                assert await fs.read("a") == found
                assert await fs.list("") == ["a"]

    async def test_write_streams_of_one_file_do_not_mix(self, fs: FileSystemInterface) -> None:
        turn = asyncio.Barrier(3)

        async def source(letter: bytes) -> AsyncIterator[bytes]:
            for _ in range(4):
                await turn.wait()
                yield letter * (MIB + 1)

        async with bounded():
            counts = await asyncio.gather(
                *(fs.write_stream("dir/a", source(letter)) for letter in (b"a", b"b", b"c"))
            )
        assert counts == [4 * (MIB + 1)] * 3
        content = await fs.read("dir/a")
        assert content in [letter * (4 * (MIB + 1)) for letter in (b"a", b"b", b"c")]
        assert await fs.list("") == ["dir/a"]

    async def test_a_write_stream_that_fails_does_not_disturb_another(self, fs: FileSystemInterface) -> None:
        turn = asyncio.Barrier(2)

        async def failing() -> AsyncIterator[bytes]:
            yield b"f" * (MIB + 1)
            await turn.wait()
            raise CaseError("source failed")

        async def whole() -> AsyncIterator[bytes]:
            yield b"w" * (MIB + 1)
            await turn.wait()
            await give_turns(50)
            yield b"w" * (MIB + 1)

        async with bounded():
            failed, count = await asyncio.gather(
                fs.write_stream("dir/a", failing()),
                fs.write_stream("dir/a", whole()),
                return_exceptions=True,
            )
        if isinstance(count, BaseException):
            raise count
        assert isinstance(failed, CaseError)
        assert count == 2 * (MIB + 1)
        assert await fs.read("dir/a") == await self.raw_read(fs, "dir/a") == b"w" * (2 * (MIB + 1))
        assert await fs.list("") == ["dir/a"]

    @pytest.mark.parametrize(
        "error",
        [FileNotFoundError("x"), TimeoutError("x"), ValueError("x")],
        ids=["no file", "no answer", "no value"],
    )
    @pytest.mark.parametrize("size", [1, LARGE], ids=["small", "large"])
    async def test_an_error_of_the_source_passes_as_it_is(
        self, fs: FileSystemInterface, size: int, error: Exception
    ) -> None:
        async def failing() -> AsyncIterator[bytes]:
            yield bytes(size)
            raise error

        with pytest.raises(type(error)) as caught:
            await fs.write_stream("dir/a", failing())
        assert caught.value is error
        assert await fs.list("") == []

    @pytest.mark.parametrize("way", ["write", "write_stream"])
    async def test_large_content_is_kept_whole(self, fs: FileSystemInterface, way: str) -> None:
        data = b"".join(number.to_bytes(8, "big") for number in range(2048)) * (LARGE // 16384 + 1)
        data = data[: LARGE - 5] + b"the end"
        await put(fs, way, "large", data)
        found = await fs.read("large")
        assert len(found) == len(data)
        streamed = b"".join([block async for block in fs.stream("large")])
        stored = await self.raw_read(fs, "large")
        # A comparison of large contents that fails takes minutes to show.
        are_whole = (found == data, streamed == data, stored == data)
        assert are_whole == (True, True, True)
        await put(fs, way, "large", b"short")
        assert await fs.read("large") == b"short"

    @pytest.mark.parametrize("blocks", [(), (b"",), (b"", b"")], ids=["no block", "empty", "two empty"])
    async def test_a_write_stream_of_nothing_makes_an_empty_file(
        self, fs: FileSystemInterface, blocks: Sequence[bytes]
    ) -> None:
        async def source() -> AsyncIterator[bytes]:
            for block in blocks:
                yield block

        for _ in range(2):
            assert await fs.write_stream("dir/a", source()) == 0
            assert await fs.exists("dir/a") is True
            assert await fs.read("dir/a") == await self.raw_read(fs, "dir/a") == b""
            assert await fs.list("") == ["dir/a"]
            await fs.write("dir/a", b"old")

    @requires(Capability.EXACT_DELETES)
    async def test_of_deletes_at_once_one_says_that_there_was_a_file(self, fs: FileSystemInterface) -> None:
        async with bounded():
            for number in range(20):
                await fs.write(f"{number}/a", b"x")
                answers = await asyncio.gather(*(fs.delete(f"{number}/a") for _ in range(6)))
                assert sorted(answers) == [False] * 5 + [True]
        assert await fs.list("") == []

    @requires_lack_of(Capability.EXACT_DELETES)
    async def test_of_deletes_at_once_some_say_that_there_was_a_file(self, fs: FileSystemInterface) -> None:
        async with bounded():
            for number in range(20):
                await fs.write(f"{number}/a", b"x")
                answers = await asyncio.gather(*(fs.delete(f"{number}/a") for _ in range(6)))
                assert True in answers
                assert await fs.delete(f"{number}/a") is False
        assert await fs.list("") == []

    async def test_files_are_written_into_one_new_directory_at_once(self, fs: FileSystemInterface) -> None:
        paths = [f"new/{number % 2}/deep/{number:02}" for number in range(24)]
        async with bounded():
            await asyncio.gather(*(fs.write(path, path.encode()) for path in paths))
        assert await fs.list("") == sorted(paths)
        assert [await fs.read(path) for path in paths] == [path.encode() for path in paths]

    async def test_a_directory_that_is_emptied_takes_a_new_file(self, fs: FileSystemInterface) -> None:
        async with bounded():
            for number in range(20):
                await fs.write(f"{number}/old", b"x")
                await asyncio.gather(fs.delete(f"{number}/old"), fs.write(f"{number}/new", b"y"))
                assert await fs.list(str(number)) == [f"{number}/new"]
                assert await fs.read(f"{number}/new") == b"y"

    async def test_a_list_goes_on_while_files_come_and_go(self, fs: FileSystemInterface) -> None:
        await fs.write("dir/stays", b"x")

        async def change() -> None:
            for number in range(20):
                await fs.write(f"dir/{number % 3}/a", b"x")
                await fs.delete(f"dir/{number % 3}/a")

        async with bounded():
            changing = asyncio.create_task(change())
            while not changing.done():
                assert "dir/stays" in await fs.list("dir")
                await asyncio.sleep(0)
            await changing
        with pytest.raises(FileMissingError):
            await fs.read("dir/0/a")
