"""What every ``FileSystemInterface`` promises."""

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
import pytest_asyncio

from platform_interfaces import (
    Capability,
    FileMissingError,
    FileSystemError,
    FileSystemInterface,
    InvalidPathError,
)
from platform_interfaces.testing._capabilities import CapabilityCases, requires, requires_lack_of
from platform_interfaces.testing._filesystem_names import FileSystemNameCases
from platform_interfaces.testing._filesystem_processes import FileSystemProcessCases
from platform_interfaces.testing._filesystem_streams import FileSystemStreamCases
from platform_interfaces.testing._filesystem_survey import FileSystemSurveyCases
from platform_interfaces.testing._filesystem_writes import FileSystemWriteCases
from platform_interfaces.testing._lifecycle import LifecycleCases
from platform_interfaces.testing._support import CaseError

REFUSED_PATHS = {
    "empty": "",
    "dot": ".",
    "parent": "..",
    "parent inside": "a/../b",
    "parent behind dot": "./../x",
    "parent at the end": "a/..",
    "dot inside": "a/./b",
    "absolute": "/etc/passwd",
    "double slash": "//x",
    "empty part": "a//b",
    "trailing slash": "a/",
    "backslash": "a\\b",
    "drive": "C:/x",
    "share": "\\\\srv\\share",
    "NUL": "a\0b",
    "line break": "a\nb",
    "delete character": "a\x7fb",
    "surrogate": "a\udce9b",
    "long name": "n" * 256,
    "long name in bytes": "dir/" + "ü" * 128,
    "long path": "dir/" * 1023 + "name",
    "F9, a file being written": ".platform-0123456789abcdef.tmp",
    "F9, below one being written": "dir/.platform-0123456789abcdef.tmp/a",
}
ODD_NAMES = [
    "%2e%2e",
    "\uff0e\uff0e",
    "...",
    " a b ",
    "-rf",
    "ü",
    "日本",
    "a.tmp",
    ".hidden",
    "a\u2028b",
    "~",
    "$HOME",
    "*",
]


class FileSystemContract(
    FileSystemNameCases,
    FileSystemProcessCases,
    FileSystemStreamCases,
    FileSystemSurveyCases,
    FileSystemWriteCases,
    LifecycleCases,
    CapabilityCases,
):
    """Subscribe with a fixture ``fs``: an instance on an empty root of its own; the suite opens it.

    What a subscriber may declare besides, each with its default:

    - ``capabilities`` (all): what the adapter declares, as ``capabilities = MyFileSystem.capabilities``.
    - ``is_shared`` (found out): False where another process does not see the files.
    - ``pooled_descriptors`` (0): how many connections the adapter may keep for later.
    - ``survives_fork`` (True): False where a forked process cannot use the adapter, for it has threads. Then
      ``fs`` must be picklable.
    - ``has_exact_names`` (True but on macOS and Windows): False where a disk takes names that look alike for
      one.
    - ``raw_read``, ``raw_write`` (the adapter's own): how a file is read from the storage, and put into it,
      past the adapter, so that its writes are not proved by its own reads alone.

    Of the cases of bad input it has 37 to 40 (paths that are refused, and odd ones that are not), 42 (long
    names) and 43 (directories where files are expected, and the other way round).
    """

    pytestmark = pytest.mark.asyncio
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability)

    @classmethod
    def has(cls, capability: str) -> bool:
        """Return whether the adapter has a declared capability, or what an attribute of the suite says."""
        return (
            capability in cls.capabilities if isinstance(capability, Capability) else super().has(capability)
        )

    @pytest.fixture
    def fs(self) -> FileSystemInterface:
        """Return the file system under test; the subscriber overrides this."""
        raise NotImplementedError

    @pytest.fixture
    def resource(self, fs: FileSystemInterface) -> FileSystemInterface:
        """Return the same instance, for the cases that open it themselves."""
        return fs

    async def use(self, resource: FileSystemInterface) -> None:
        """Write a file, or replace it, and read it."""
        await resource.write("dir/a", b"x")
        assert await resource.read("dir/a") == b"x"

    @pytest_asyncio.fixture(autouse=True)
    async def _opened(
        self, request: pytest.FixtureRequest, fs: FileSystemInterface
    ) -> AsyncIterator[FileSystemInterface]:
        """Open ``fs`` for all cases but those that open it themselves."""
        if "resource" in request.fixturenames:
            yield fs
            return
        async with fs:
            yield fs

    async def test_the_suite_has_the_capabilities_of_the_adapter(self, fs: FileSystemInterface) -> None:
        assert fs.capabilities == self.capabilities, f"set capabilities = {type(fs).__name__}.capabilities"

    async def test_what_is_written_is_in_the_storage(self, fs: FileSystemInterface) -> None:
        data = bytes(range(256)) * 100
        await fs.write("a.bin", data)
        assert await self.raw_read(fs, "a.bin") == data
        assert await fs.write_stream("dir/b.bin", _blocks(data, data)) == 2 * len(data)
        assert await self.raw_read(fs, "dir/b.bin") == data * 2
        for path in ("a.bin", "dir/b.bin"):
            await fs.write(path, b"new")
            assert await self.raw_read(fs, path) == b"new"

    async def test_what_is_in_the_storage_is_read(self, fs: FileSystemInterface) -> None:
        data = bytes(range(256)) * 100
        for content in (data, b"replaced", b""):
            await self.raw_write(fs, "dir/a.bin", content)
            assert await fs.read("dir/a.bin") == content
            assert b"".join([block async for block in fs.stream("dir/a.bin")]) == content
            assert await fs.exists("dir/a.bin") is True
            assert await fs.list("") == ["dir/a.bin"]
        assert await fs.delete("dir/a.bin") is True
        assert await fs.exists("dir/a.bin") is False

    async def test_a_file_outlasts_the_connection(self, fs: FileSystemInterface) -> None:
        await fs.write("a", b"x")
        await fs.disconnect()
        await fs.connect()
        assert await fs.read("a") == b"x"

    async def test_write_and_read(self, fs: FileSystemInterface) -> None:
        data = bytes(range(256)) * 100
        await fs.write("a.bin", data)
        assert await fs.read("a.bin") == data

    async def test_write_creates_directories(self, fs: FileSystemInterface) -> None:
        await fs.write("raw/events/2026-01-15/a.jsonl", b"x")
        assert await fs.read("raw/events/2026-01-15/a.jsonl") == b"x"

    async def test_an_empty_file_is_a_file(self, fs: FileSystemInterface) -> None:
        await fs.write("empty", b"")
        assert await fs.read("empty") == b""
        assert await fs.exists("empty")
        assert [block async for block in fs.stream("empty")] == []

    async def test_read_nonexistent(self, fs: FileSystemInterface) -> None:
        with pytest.raises(FileNotFoundError, match="'no/such'") as caught:
            await fs.read("no/such")
        assert isinstance(caught.value, FileMissingError)

    async def test_list_files(self, fs: FileSystemInterface) -> None:
        for path in ("b/2", "b/10", "b/deep/er/x", "a", "bb/y"):
            await fs.write(path, b"")
        assert await fs.list("b") == ["b/10", "b/2", "b/deep/er/x"]
        assert await fs.list("b/") == ["b/10", "b/2", "b/deep/er/x"]
        assert await fs.list("b/deep/er") == ["b/deep/er/x"]
        assert await fs.list("") == ["a", "b/10", "b/2", "b/deep/er/x", "bb/y"]

    async def test_list_empty_prefix(self, fs: FileSystemInterface) -> None:
        assert await fs.list("") == []
        assert await fs.list("no/such/dir") == []

    async def test_list_of_a_file_is_empty(self, fs: FileSystemInterface) -> None:
        await fs.write("a", b"")
        assert await fs.list("a") == []

    async def test_list_is_sorted_by_code_point(self, fs: FileSystemInterface) -> None:
        for path in ("a/b", "a-b", "Z", "é", "a.b"):
            await fs.write(path, b"")
        assert await fs.list("") == ["Z", "a-b", "a.b", "a/b", "é"]

    async def test_delete_existing(self, fs: FileSystemInterface) -> None:
        await fs.write("a/b", b"x")
        assert await fs.delete("a/b") is True
        assert not await fs.exists("a/b")

    async def test_delete_nonexistent(self, fs: FileSystemInterface) -> None:
        assert await fs.delete("a/b") is False

    async def test_exists(self, fs: FileSystemInterface) -> None:
        await fs.write("a/b", b"x")
        assert await fs.exists("a/b") is True
        assert await fs.exists("a/c") is False

    async def test_the_beginning_of_a_path_is_not_a_file(self, fs: FileSystemInterface) -> None:
        await fs.write("a/b", b"x")
        assert await fs.exists("a") is False
        with pytest.raises(FileSystemError):
            await fs.read("a")

    async def test_there_is_nothing_below_a_file(self, fs: FileSystemInterface) -> None:
        await fs.write("a", b"x")
        with pytest.raises(FileMissingError):
            await fs.read("a/b")
        assert await fs.exists("a/b") is False
        assert await fs.delete("a/b") is False
        assert await fs.list("") == ["a"]

    @requires_lack_of(Capability.DIRECTORIES)
    async def test_a_file_may_be_the_beginning_of_other_paths(self, fs: FileSystemInterface) -> None:
        await fs.write("a/b", b"2")
        await fs.write("a", b"1")
        assert await fs.write_stream("a/b/c", _blocks(b"3")) == 1
        assert [await fs.read(path) for path in ("a", "a/b", "a/b/c")] == [b"1", b"2", b"3"]
        assert await fs.list("") == ["a", "a/b", "a/b/c"]
        assert await fs.list("a") == ["a/b", "a/b/c"]
        assert await fs.list_names("a") == ("b", "b/")
        assert await fs.delete("a/b") is True
        assert await fs.list("") == ["a", "a/b/c"]

    @requires(Capability.DIRECTORIES)
    async def test_a_directory_is_not_a_file(self, fs: FileSystemInterface) -> None:
        await fs.write("a/b", b"x")
        assert await fs.exists("a") is False
        with pytest.raises(FileSystemError):
            await fs.read("a")
        with pytest.raises(FileSystemError):
            await fs.write("a", b"y")
        with pytest.raises(FileSystemError):
            await fs.delete("a")
        assert await fs.list("") == ["a/b"]

    @requires(Capability.DIRECTORIES)
    async def test_a_file_is_not_a_directory(self, fs: FileSystemInterface) -> None:
        await fs.write("a", b"x")
        with pytest.raises(FileSystemError):
            await fs.write("a/b", b"y")
        with pytest.raises(FileMissingError):
            await fs.read("a/b")
        assert await fs.exists("a/b") is False
        assert await fs.delete("a/b") is False
        assert await fs.list("") == ["a"]

    async def test_a_directory_goes_with_its_last_file(self, fs: FileSystemInterface) -> None:
        await fs.write("a/b/c", b"x")
        await fs.write("a/d", b"x")
        assert await fs.delete("a/b/c")
        assert await fs.delete("a/d")
        assert await fs.exists("a") is False
        assert await fs.delete("a") is False
        with pytest.raises(FileMissingError):
            await fs.read("a")
        with pytest.raises(FileMissingError):
            await anext(fs.stream("a"))
        with pytest.raises(FileMissingError):
            await fs.get_signed_url("a")
        await fs.write("a", b"y")
        assert await fs.read("a") == b"y"

    async def test_a_failed_write_leaves_no_directory_behind(self, fs: FileSystemInterface) -> None:
        async def failing() -> AsyncIterator[bytes]:
            yield b"x"
            raise CaseError("source failed")

        with pytest.raises(CaseError, match="source failed"):
            await fs.write_stream("a/b/c", failing())
        assert await fs.write_stream("a", _blocks(b"y")) == 1
        assert await fs.list("") == ["a"]

    @requires(Capability.DIRECTORIES)
    async def test_a_directory_with_one_file_left_stays(self, fs: FileSystemInterface) -> None:
        for path in ("a/b/c", "a/d/e"):
            await fs.write(path, b"x")
        await fs.delete("a/d/e")
        await fs.write("a/d", b"y")
        with pytest.raises(FileSystemError):
            await fs.write("a/b", b"y")
        with pytest.raises(FileSystemError):
            await fs.delete("a")
        assert await fs.list("") == ["a/b/c", "a/d"]

    async def test_overwrite(self, fs: FileSystemInterface) -> None:
        await fs.write("a", b"long content")
        await fs.write("a", b"new")
        assert await fs.read("a") == await self.raw_read(fs, "a") == b"new"

    @pytest.mark.parametrize("path", REFUSED_PATHS.values(), ids=REFUSED_PATHS.keys())
    async def test_path_traversal_blocked(self, fs: FileSystemInterface, path: str) -> None:
        with pytest.raises(InvalidPathError):
            await fs.read(path)
        with pytest.raises(InvalidPathError):
            await fs.write(path, b"x")
        with pytest.raises(InvalidPathError):
            await fs.write_stream(path, _blocks(b"x"))
        with pytest.raises(InvalidPathError):
            await fs.delete(path)
        with pytest.raises(InvalidPathError):
            await fs.exists(path)
        with pytest.raises(InvalidPathError):
            await fs.get_signed_url(path)
        with pytest.raises(InvalidPathError):
            await anext(fs.stream(path))
        assert await fs.list("") == []

    @pytest.mark.parametrize("prefix", ["..", "a/../b", "/etc", "a\\b", "a\0b", "/", "a//"])
    async def test_a_prefix_is_checked_like_a_path(self, fs: FileSystemInterface, prefix: str) -> None:
        with pytest.raises(InvalidPathError):
            await fs.list(prefix)

    @pytest.mark.parametrize("name", ODD_NAMES)
    async def test_any_other_name_is_just_a_name(self, fs: FileSystemInterface, name: str) -> None:
        await fs.write(f"{name}/{name}", b"x")
        assert await fs.list("") == [f"{name}/{name}"]
        assert await fs.read(f"{name}/{name}") == b"x"

    @pytest.mark.parametrize("name", ["n" * 255, "ü" * 127], ids=["ASCII", "UTF-8"])
    async def test_the_longest_names_can_be_written(self, fs: FileSystemInterface, name: str) -> None:
        await fs.write(name, b"x")
        assert await fs.write_stream(name, _blocks(b"yy")) == 2
        assert await fs.list("") == [name]

    async def test_stream_yields_the_whole_content_in_non_empty_blocks(self, fs: FileSystemInterface) -> None:
        data = b"0123456789abcdef" * 400_000
        await fs.write("big", data)
        blocks = [block async for block in fs.stream("big")]
        assert b"".join(blocks) == data
        assert all(blocks)
        assert max(map(len, blocks)) < len(data)

    async def test_stream_of_a_missing_file_raises_at_the_first_block(self, fs: FileSystemInterface) -> None:
        blocks = fs.stream("no/such")
        with pytest.raises(FileMissingError):
            await anext(blocks)

    async def test_a_replaced_file_does_not_disturb_who_reads_it(self, fs: FileSystemInterface) -> None:
        await fs.write("a", b"old" * 1_000_000)
        blocks = fs.stream("a")
        first = await anext(blocks)
        await fs.write("a", b"new")
        assert first + b"".join([block async for block in blocks]) == b"old" * 1_000_000

    async def test_write_stream_puts_the_blocks_together(self, fs: FileSystemInterface) -> None:
        assert await fs.write_stream("a/b", _blocks(b"one ", b"", b"two")) == 7
        assert await fs.read("a/b") == await self.raw_read(fs, "a/b") == b"one two"

    async def test_a_private_file_is_read_and_replaced_like_any_other(self, fs: FileSystemInterface) -> None:
        for data in (b"one", b"two"):
            assert await fs.write_stream("a/b", _blocks(data), is_private=True) == 3
            assert await fs.read("a/b") == data
        for is_private in (True, False):
            await fs.write("a/b", b"three", is_private=is_private)
            assert await fs.read("a/b") == b"three"
        assert await fs.list("") == ["a/b"]

    @requires(Capability.DIRECTORIES)
    async def test_write_stream_to_where_no_file_can_be_takes_nothing_from_its_source(
        self, fs: FileSystemInterface
    ) -> None:
        await fs.write("dir/a", b"x")

        async def unwanted() -> AsyncIterator[bytes]:
            raise AssertionError("the source was asked")
            yield b""

        for path in ("dir", "dir/a/b", ".."):
            with pytest.raises(FileSystemError):
                await fs.write_stream(path, unwanted())

    async def test_atomic_write(self, fs: FileSystemInterface) -> None:
        """Until a write has ended, and after one that failed, readers have the old content only."""
        await fs.write("dir/a", b"old")
        seen: list[object] = []

        async def failing() -> AsyncIterator[bytes]:
            yield b"new"
            seen.extend([await fs.read("dir/a"), await fs.list(""), await fs.exists("dir/b")])
            raise CaseError("source failed")

        for path in ("dir/a", "dir/b"):
            with pytest.raises(CaseError, match="source failed"):
                await fs.write_stream(path, failing())
        assert seen == [b"old", ["dir/a"], False] * 2
        assert await fs.read("dir/a") == await self.raw_read(fs, "dir/a") == b"old"
        assert await fs.list("") == ["dir/a"]

    async def test_a_cancelled_write_leaves_the_old_content(self, fs: FileSystemInterface) -> None:
        await fs.write("a", b"old")
        started = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield b"new"
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(fs.write_stream("a", endless()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await fs.read("a") == await self.raw_read(fs, "a") == b"old"
        assert await fs.list("") == ["a"]

    async def test_writers_of_one_file_leave_one_of_their_contents(self, fs: FileSystemInterface) -> None:
        contents = [bytes([65 + number]) * 100_000 for number in range(8)]
        await asyncio.gather(*(fs.write("dir/a", content) for content in contents))
        assert await fs.read("dir/a") == await self.raw_read(fs, "dir/a")
        assert await fs.read("dir/a") in contents
        assert await fs.list("") == ["dir/a"]

    async def test_signed_url_is_a_url(self, fs: FileSystemInterface) -> None:
        await fs.write("a b/ü?#", b"x")
        url = await fs.get_signed_url("a b/ü?#", expiry=60)
        assert "://" in url
        assert url.isascii()
        assert " " not in url

    async def test_signed_url_of_a_missing_file_is_refused(self, fs: FileSystemInterface) -> None:
        with pytest.raises(FileMissingError):
            await fs.get_signed_url("no/such")

    async def test_health_check(self, fs: FileSystemInterface) -> None:
        assert await fs.health_check() is True
        assert await fs.list("") == []


async def _blocks(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
