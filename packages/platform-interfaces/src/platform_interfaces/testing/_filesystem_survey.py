"""What every ``FileSystemInterface`` promises about the content of a directory."""

from collections.abc import AsyncIterator

import pytest

from platform_interfaces import (
    FileMissingError,
    FileSystemError,
    FileSystemInterface,
    InvalidPathError,
    Survey,
)


class FileSystemSurveyCases:
    """The cases of ``survey``, ``list_names`` and ``locate``."""

    async def test_survey_returns_the_files_that_list_returns(self, fs: FileSystemInterface) -> None:
        for path in ("b/2", "b/10", "b/deep/x", "a", "bb/y"):
            await fs.write(path, b"")
        for prefix in ("", "b", "b/", "b/deep", "a", "no/such"):
            assert await fs.survey(prefix) == Survey(tuple(await fs.list(prefix)))

    async def test_survey_has_the_sizes_of_all_files_or_of_none(self, fs: FileSystemInterface) -> None:
        await fs.write("b/one", b"x")
        await fs.write_stream("b/deep/three", _blocks(b"x", b"yz"))
        await fs.write("b/none", b"")
        await fs.write("b/one", b"xx")
        sizes = (await fs.survey("b")).sizes
        assert sizes in ({}, {"b/one": 2, "b/deep/three": 3, "b/none": 0})

    async def test_a_version_changes_with_the_content(self, fs: FileSystemInterface) -> None:
        for path in ("b/one", "b/two"):
            await fs.write(path, b"old")
        first = (await fs.survey("b")).versions
        assert first.keys() in ({"b/one", "b/two"}, set())
        assert (await fs.survey("b")).versions == first
        await fs.write("b/one", b"new")
        changed = (await fs.survey("b")).versions
        assert {path for path in first if changed[path] != first[path]} == first.keys() & {"b/one"}

    async def test_list_names_returns_what_is_directly_in_a_directory(self, fs: FileSystemInterface) -> None:
        for path in ("b/2", "b/10", "b/deep/er/x", "a"):
            await fs.write(path, b"")
        assert await fs.list_names("") == ("a", "b/")
        assert await fs.list_names("b") == await fs.list_names("b/") == ("10", "2", "deep/")
        assert await fs.list_names("b/deep") == ("er/",)

    async def test_list_names_of_what_is_not_a_directory_raises(self, fs: FileSystemInterface) -> None:
        await fs.write("a", b"x")
        with pytest.raises(FileMissingError, match="no/such"):
            await fs.list_names("no/such")
        with pytest.raises(FileSystemError, match="a' is a file") as caught:
            await fs.list_names("a")
        assert not isinstance(caught.value, FileMissingError)

    @pytest.mark.parametrize("prefix", ["..", "/", "a/../b", "a\0b", "a//"])
    async def test_survey_and_list_names_check_their_prefix(
        self, fs: FileSystemInterface, prefix: str
    ) -> None:
        with pytest.raises(InvalidPathError):
            await fs.survey(prefix)
        with pytest.raises(InvalidPathError):
            await fs.list_names(prefix)

    async def test_locate_names_each_path_and_asks_nothing(self, fs: FileSystemInterface) -> None:
        locations = [fs.locate(), fs.locate("a"), fs.locate("no/such"), fs.locate("rejected/a")]
        assert len(set(locations)) == 4
        assert locations[2].endswith("no/such")
        assert fs.locate("") == locations[0]
        assert await fs.list("") == []


async def _blocks(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
