"""Where the root and the rejects are: settings, roots of other users, and what a failed write leaves."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from platform_interfaces import ConfigurationError, FileMissingError, FileSystemError, InvalidPathError
from platform_interfaces.testing import FileSystemContract
from platform_localfs import LocalFileSystem
from platform_memory import MemorySecrets

OTHER, THIRD = 65534, 12345
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to other users")


def filesystem(**settings: Path | str) -> LocalFileSystem:
    return LocalFileSystem(
        MemorySecrets({f"FS_LOCAL_{name}": str(value) for name, value in settings.items()})
    )


@contextmanager
def as_user(uid: int) -> Iterator[None]:
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder that every user can reach, unlike pytest's."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class TestA5:
    """Invalid values of the settings."""

    @pytest.mark.parametrize("name", ["ROOT", "REJECTS_ROOT"])
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("'/data'", "has quotes around it"),
            ('"/data"', "has quotes around it"),
            ("\u201c/data\u201d", "has quotes around it"),
            (" /data", "has blanks around it"),
            ("/data\r", "has blanks around it"),
            ("\ufeff/data", "has blanks around it"),
            ("  ", "has blanks around it"),
            ("~/data", "'~' is not expanded"),
            ("$HOME/data", "variables are not expanded"),
            ("/data/${DAY}", "variables are not expanded"),
            ("file:///data", "is a URL"),
            ("s3://bucket/data", "is a URL"),
            ("C:\\data", "a path of Windows"),
        ],
    )
    def test_a5_an_invalid_value_is_refused(self, name: str, value: str, text: str) -> None:
        settings = {"ROOT": "/data", name: value}
        with pytest.raises(ConfigurationError, match=f"FS_LOCAL_{name} is .*{text}"):
            filesystem(**settings)

    def test_a5_an_empty_value_counts_as_not_set(self) -> None:
        fs = filesystem(ROOT="", REJECTS_ROOT="")
        assert fs.locate("rejected/a") == "/tmp/data-platform/rejected/a"

    @pytest.mark.parametrize("value", ["/data/it's", "/data/a b", "/data/$x", "/data/~", "data", "./~x"])
    def test_a5_odd_directories_are_taken_as_they_are(self, value: str) -> None:
        assert filesystem(ROOT=value).locate() == str(Path(value).absolute())


class TestE4:
    """``FS_LOCAL_REJECTS_ROOT``."""

    @pytest.fixture
    def fs(self, tmp_path: Path) -> LocalFileSystem:
        return filesystem(ROOT=tmp_path / "lake", REJECTS_ROOT=tmp_path / "elsewhere")

    async def test_e4_all_below_rejected_is_in_the_directory_of_the_setting(
        self, fs: LocalFileSystem, tmp_path: Path
    ) -> None:
        await fs.write("raw/a", b"raw")
        await fs.write("rejected/raw/a", b"rejects", is_private=True)
        (tmp_path / "lake" / "rejected").mkdir()
        (tmp_path / "lake" / "rejected" / "before").touch()
        file = tmp_path / "elsewhere" / "raw" / "a"
        assert file.read_bytes() == await fs.read("rejected/raw/a") == b"rejects"
        assert fs.locate("rejected/raw/a") == str(file)
        assert await fs.get_signed_url("rejected/raw/a") == file.as_uri()
        assert await fs.list("") == ["raw/a", "rejected/raw/a"]
        assert (await fs.survey("")).files == ("raw/a", "rejected/raw/a")
        assert await fs.list("rejected") == await fs.list("rejected/raw") == ["rejected/raw/a"]
        assert await fs.list_names("") == ("raw/", "rejected/")
        assert await fs.list_names("rejected") == ("raw/",)
        for call in (fs.write("rejected", b"x"), fs.delete("rejected"), fs.read("rejected")):
            with pytest.raises(FileSystemError, match="directory"):
                await call
        assert await fs.exists("rejected") is False
        assert await fs.delete("rejected/raw/a") is True
        assert await fs.list("") == ["raw/a"]

    async def test_e4_a_link_in_it_must_stay_in_it(self, fs: LocalFileSystem, tmp_path: Path) -> None:
        await fs.write("raw/a", b"raw")
        await fs.write("rejected/b", b"x")
        (tmp_path / "elsewhere" / "link").symlink_to(tmp_path / "lake")
        with pytest.raises(InvalidPathError, match=r"'rejected/link/raw/a' is refused: .*leaves"):
            await fs.read("rejected/link/raw/a")

    @pytest.mark.parametrize("value", ["link", "link/raw", "link/..", "link/../lake/new"])
    def test_e4_neither_root_may_be_inside_the_other_through_a_link(self, tmp_path: Path, value: str) -> None:
        """Rejects would be loaded as raw files by the next run."""
        (tmp_path / "lake").mkdir()
        (tmp_path / "link").symlink_to("lake")
        for root, rejects in (("lake", value), (value, "lake")):
            with pytest.raises(ConfigurationError, match="neither may be inside the other"):
                filesystem(ROOT=tmp_path / root, REJECTS_ROOT=tmp_path / rejects)

    @pytest.mark.parametrize("value", ["lake", "lake/raw", "lake/../lake/x", "."])
    def test_e4_neither_root_may_be_inside_the_other(self, tmp_path: Path, value: str) -> None:
        with pytest.raises(ConfigurationError, match="neither may be inside the other"):
            filesystem(ROOT=tmp_path / "lake", REJECTS_ROOT=tmp_path / value)

    @pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EACCES])
    async def test_e4_the_error_of_a_read_only_or_full_lake_names_directory_and_setting(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        fs = filesystem(ROOT=tmp_path / "lake")
        await fs.write("raw/a", b"x")

        def failing(*args: object, **kwargs: object) -> Any:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "mkdir", failing)
        with pytest.raises(FileSystemError) as caught:
            await fs.write("rejected/raw/a", b"x")
        advice = {
            errno.ENOSPC: "make room there, or let FS_LOCAL_REJECTS_ROOT name a directory on another disk"
        }.get(number, "set FS_LOCAL_REJECTS_ROOT to a directory that can be written to")
        assert str(caught.value) == (
            f"cannot write 'rejected/raw/a' under '{tmp_path}/lake': {os.strerror(number)}: {advice}"
        )


class TestContractWithRejectsRoot(FileSystemContract):
    @pytest.fixture
    def fs(self, tmp_path: Path) -> LocalFileSystem:
        return filesystem(ROOT=tmp_path / "lake", REJECTS_ROOT=tmp_path / "elsewhere")


@needs_root
class TestF11:
    """Roots that another user could have put there."""

    @pytest.fixture(autouse=True)
    def sticky(self, folder: Path) -> Path:
        (folder / "sticky").mkdir()
        (folder / "sticky").chmod(0o1777)
        (folder / "lake").mkdir()
        (folder / "lake").chmod(0o777)
        (folder / "lake" / "a").write_bytes(b"x")
        return folder / "sticky"

    async def assert_refused(self, root: Path, text: str) -> None:
        fs = filesystem(ROOT=root)
        calls = (fs.read("a"), fs.list(""), fs.survey(""), fs.exists("a"), fs.delete("a"), fs.list_names(""))
        for call in (*calls, fs.write("a", b"x"), fs.get_signed_url("a"), anext(fs.stream("a"))):
            with pytest.raises(
                FileSystemError, match=rf"FS_LOCAL_ROOT\) is not safe: {text}.*set FS_LOCAL_ROOT"
            ):
                await call
        assert await fs.health_check() is False

    @pytest.mark.parametrize("below", ["", "below", "below/made"])
    async def test_f11_a_directory_of_a_third_user_in_a_sticky_folder_is_refused(
        self, sticky: Path, below: str
    ) -> None:
        for made in (sticky / "root", sticky / "root" / "below"):
            made.mkdir()
            os.chown(made, THIRD, THIRD)
            made.chmod(0o777)
        text = (
            f"everybody can write to '{sticky}', and 'root' in it belongs to the user with the number {THIRD}"
        )
        if below == "below/made":  # nothing is there yet: reading finds nothing, writing makes nothing
            with as_user(OTHER), pytest.raises(FileSystemError, match=text):
                await filesystem(ROOT=sticky / "root" / below).write("a", b"x")
            return
        await self.assert_refused(sticky / "root" / below, text)
        with as_user(OTHER):
            await self.assert_refused(sticky / "root" / below, text)

    async def test_f11_a_link_of_a_third_user_in_a_sticky_folder_is_refused(
        self, sticky: Path, folder: Path
    ) -> None:
        (sticky / "link").symlink_to(folder / "lake")
        os.chown(sticky / "link", THIRD, THIRD, follow_symlinks=False)
        (folder / "to link").symlink_to(sticky / "link")
        for root in (sticky / "link", folder / "to link"):
            await self.assert_refused(root, "everybody can write to")
            with as_user(OTHER):
                await self.assert_refused(root, "everybody can write to")

    async def test_f11_roots_of_one_s_own_of_root_and_of_others_elsewhere_are_used(
        self, sticky: Path, folder: Path
    ) -> None:
        for name, uid in {"own": OTHER, "of root": 0}.items():
            (sticky / name).mkdir()
            (sticky / name).chmod(0o777)
            os.chown(sticky / name, uid, uid)
        os.chown(folder / "lake", THIRD, THIRD)
        (folder / "link").symlink_to("lake")
        os.chown(folder / "link", THIRD, THIRD, follow_symlinks=False)
        for root in (sticky / "own", sticky / "of root", folder / "lake", folder / "link"):
            with as_user(OTHER):
                assert await filesystem(ROOT=root).health_check() is True
                await filesystem(ROOT=root).write("b", b"x")

    async def test_f11_a_link_that_the_system_refuses_to_follow_is_not_followed_by_hand(
        self, folder: Path
    ) -> None:
        lake = folder / "lake"
        (lake / "drop").mkdir()
        (lake / "drop").chmod(0o1777)
        (lake / "drop" / "link").symlink_to("../a")
        os.chown(lake / "drop" / "link", THIRD, THIRD, follow_symlinks=False)
        with as_user(OTHER):
            try:
                (lake / "drop" / "link").read_bytes()
            except PermissionError:
                pass
            else:
                pytest.skip("the system follows links of others in sticky folders (fs.protected_symlinks)")
            with pytest.raises(FileSystemError, match="Permission denied"):
                await filesystem(ROOT=lake).read("drop/link")
            found = await filesystem(ROOT=lake).survey("")
        assert found.unusable == {"drop/link": "Permission denied"}

    async def test_f11_a_rejected_folder_that_another_user_made_a_link_is_refused(
        self, folder: Path, sticky: Path
    ) -> None:
        (folder / "lake" / "rejected").symlink_to(sticky)
        with pytest.raises(InvalidPathError, match="leaves"):
            await filesystem(ROOT=folder / "lake").write("rejected/a", b"x", is_private=True)
        assert list(sticky.iterdir()) == []


class TestF9:
    """A write that is refused or fails leaves nothing behind."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        return tmp_path / "one" / "root"

    async def test_f9_a_path_that_only_the_root_makes_too_long_leaves_nothing(self, root: Path) -> None:
        with pytest.raises(InvalidPathError, match="too long"):
            await filesystem(ROOT=root).write("dir/" * 1022 + "name567", b"x")
        assert not root.parent.exists()

    @pytest.mark.parametrize("call", ["fsync", "replace", "mkdir"])
    async def test_f9_directories_made_for_a_write_that_fails_are_removed(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        fs, original, calls = filesystem(ROOT=root), getattr(os, call), []

        def failing(*args: Any, **kwargs: Any) -> Any:
            calls.append(args)
            if len(calls) == (4 if call == "mkdir" else 1):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return original(*args, **kwargs)

        monkeypatch.setattr(os, call, failing)
        with pytest.raises(FileSystemError, match="No space left"):
            await fs.write("a/b/c/d", b"x")
        assert not root.parent.exists()

    async def test_f9_directories_made_for_a_stream_that_fails_are_removed_and_others_stay(
        self, root: Path
    ) -> None:
        fs = filesystem(ROOT=root)
        await fs.write("a/before", b"x")

        async def failing() -> AsyncIterator[bytes]:
            yield b"x"
            raise RuntimeError("source failed")

        with pytest.raises(RuntimeError, match="source failed"):
            await fs.write_stream("a/b/c/d", failing())
        assert [path.name for path in (root / "a").iterdir()] == ["before"]

    async def test_f9_a_write_goes_on_where_another_one_removes_the_directory_it_had_made(
        self, root: Path
    ) -> None:
        fs = filesystem(ROOT=root)

        async def failing() -> AsyncIterator[bytes]:
            yield b"x"
            raise RuntimeError("source failed")

        for number in range(30):
            writes = [fs.write_stream(f"{number}/a/b", failing()) for _ in range(3)]
            writes += [fs.write_stream(f"{number}/a/c", _blocks()) for _ in range(3)]
            ended = await asyncio.gather(*writes, return_exceptions=True)
            assert ended[3:] == [1, 1, 1]
            assert await fs.list(str(number)) == [f"{number}/a/c"]

    async def test_f9_names_of_files_being_written_are_refused_before_anything_is_made(
        self, root: Path
    ) -> None:
        with pytest.raises(InvalidPathError, match="such names are for files being written"):
            await filesystem(ROOT=root).write("a/.platform-0123456789abcdef.tmp", b"x")
        assert not root.exists()
        with pytest.raises(FileMissingError):
            await filesystem(ROOT=root).read("a")


async def _blocks() -> AsyncIterator[bytes]:
    yield b"x"
