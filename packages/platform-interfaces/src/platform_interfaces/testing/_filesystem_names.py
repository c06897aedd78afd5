"""What names may rely on: each is a file of its own, spelled as it was given."""

import asyncio
import sys
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from platform_interfaces import FileMissingError, FileSystemInterface
from platform_interfaces.testing._capabilities import requires

# Pairs and more that something between a caller and a disk takes for one: Unicode forms, case, blanks, dots,
# escapes, separators.
ALIKE_NAMES = (
    "caf\u00e9", "cafe\u0301",
    "\u1e69", "s\u0323\u0307", "s\u0307\u0323",
    "\u212b", "\u00c5", "A\u030a",
    "\ufb01", "fi", "\u2160", "I", "i", "\u0131", "\u0130",
    "stra\u00dfe", "strasse", "STRASSE",
    "name", "Name", "NAME", "name.", "name..", "name ", " name", "name\u00a0",
    "a%20b", "a b", "a+b", "a%2Fb", "a%2fb", "%61", "a", "%2e%2e", "a?b", "a", "a#b", "a;b", "a&b", "a=b",
    "\uff0fa", "ab", "abc",
)  # fmt: skip


class FileSystemNameCases:
    """A path is neither normalised nor decoded, and is never taken for the beginning of another."""

    has_exact_names: bool = sys.platform not in ("darwin", "win32")
    """Whether the storage distinguishes Unicode forms, cases and trailing dots; some disks do not."""

    @requires("has_exact_names")
    async def test_names_that_look_alike_are_files_of_their_own(self, fs: FileSystemInterface) -> None:
        paths = sorted({f"dir/{name}" for name in ALIKE_NAMES})
        for path in paths:
            await fs.write(path, path.encode())
        assert await fs.list("") == paths
        assert [await fs.read(path) for path in paths] == [path.encode() for path in paths]
        urls = [await fs.get_signed_url(path) for path in paths]
        assert len(set(urls)) == len(paths)
        for number, path in enumerate(paths, 1):
            assert await fs.delete(path) is True
            assert await fs.exists(path) is False
            assert await fs.list("dir") == paths[number:]

    @requires("has_exact_names")
    async def test_directories_that_look_alike_are_their_own(self, fs: FileSystemInterface) -> None:
        paths = sorted({f"{name}/file" for name in ALIKE_NAMES})
        for path in paths:
            await fs.write_stream(path, _one(path.encode()))
        assert await fs.list("") == paths
        for path in paths:
            assert await fs.list(path.removesuffix("/file")) == [path]
            assert b"".join([block async for block in fs.stream(path)]) == path.encode()

    async def test_a_path_is_not_the_beginning_of_another(self, fs: FileSystemInterface) -> None:
        for path in ("abc", "dir/abc", "dirs/a"):
            await fs.write(path, path.encode())
        for path in ("ab", "dir/ab", "dir/abcd", "dirs/abc", "di"):
            assert await fs.exists(path) is False
            assert await fs.delete(path) is False
            assert await fs.list(path) == []
            with pytest.raises(FileMissingError):
                await fs.read(path)
            with pytest.raises(FileMissingError):
                await anext(fs.stream(path))
            with pytest.raises(FileMissingError):
                await fs.get_signed_url(path)
        assert await fs.list("dir") == ["dir/abc"]
        assert await fs.list("") == ["abc", "dir/abc", "dirs/a"]

    async def test_each_file_has_a_url_of_its_own(self, fs: FileSystemInterface) -> None:
        paths = ["a", "b", "dir/a", "dir/b", "dir a/b?c", "dir a/b#c", "dir a/b%3Fc", "ü"]
        for path in paths:
            await fs.write(path, b"x")
        urls = [await fs.get_signed_url(path) for path in paths]
        assert len(set(urls)) == len(paths)
        assert len({urlsplit(url).netloc + urlsplit(url).path for url in urls}) == len(paths)

    async def test_a_list_is_whole_however_many_files_there_are(self, fs: FileSystemInterface) -> None:
        """Storage lists in pages, of 1,000 names for instance."""
        paths = [f"dir/{number:04}" for number in range(1030)]
        await asyncio.gather(*(fs.write(path, b"") for path in paths))
        assert await fs.list("dir") == paths


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data
