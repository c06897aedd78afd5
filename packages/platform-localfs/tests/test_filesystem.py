"""What is particular to files on a disk; what all file systems have in common is the contract's."""

import asyncio
import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from platform_interfaces import (
    ConfigurationError,
    FileMissingError,
    FileSystemError,
    FileSystemInterface,
    InvalidPathError,
)
from platform_interfaces.testing import FileSystemContract
from platform_localfs import LocalFileSystem
from platform_localfs._reader import BLOCK_BYTES
from platform_memory import MemorySecrets

TEMPORARY = ".platform-0123456789abcdef.tmp"


def filesystem(root: Path | str) -> LocalFileSystem:
    return LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(root)}))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def fs(root: Path) -> LocalFileSystem:
    root.mkdir()
    return filesystem(root)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "secret").write_bytes(b"secret")
    return directory


async def blocks(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


def names(directory: Path) -> list[str]:
    """Return the names of all entries of the directory, hidden or not."""
    return sorted(path.name for path in directory.iterdir())


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def assert_refused(fs: LocalFileSystem, path: str) -> None:
    for call in (fs.read, fs.exists, fs.delete, fs.get_signed_url):
        with pytest.raises(InvalidPathError):
            await call(path)
    with pytest.raises(InvalidPathError):
        await fs.write(path, b"x")
    with pytest.raises(InvalidPathError):
        await fs.write_stream(path, blocks(b"x"))
    with pytest.raises(InvalidPathError):
        await anext(fs.stream(path))


class TestLocalFileSystem(FileSystemContract):
    is_shared = True

    @pytest.fixture
    def fs(self, root: Path) -> LocalFileSystem:
        return filesystem(root)

    async def raw_read(self, fs: FileSystemInterface, path: str) -> bytes:
        return Path(fs.locate(path)).read_bytes()

    async def raw_write(self, fs: FileSystemInterface, path: str, data: bytes) -> None:
        file = Path(fs.locate(path))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


class TestRoot:
    def test_constructing_opens_nothing(self, root: Path) -> None:
        filesystem(root)
        assert not root.exists()

    async def test_the_default_is_the_specified_one(self) -> None:
        with pytest.raises(FileMissingError, match="'/tmp/data-platform'"):
            await LocalFileSystem(MemorySecrets({})).read("no such file")

    @pytest.mark.parametrize("value", ["a\0b", "a\nb"])
    def test_a_value_that_is_not_a_path_is_a_configuration_error(self, value: str) -> None:
        with pytest.raises(ConfigurationError, match="FS_LOCAL_ROOT"):
            filesystem(value)

    async def test_a_relative_root_is_that_of_the_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        fs = filesystem("root")
        monkeypatch.chdir("/")
        await fs.write("a", b"x")
        assert (tmp_path / "root" / "a").read_bytes() == b"x"

    async def test_the_root_may_be_a_link(self, tmp_path: Path, outside: Path) -> None:
        (tmp_path / "link").symlink_to(outside)
        fs = filesystem(tmp_path / "link")
        assert await fs.list("") == ["secret"]
        assert await fs.read("secret") == b"secret"

    async def test_health_check_makes_the_root_and_leaves_it_empty(self, root: Path) -> None:
        assert await filesystem(root / "below").health_check() is True
        assert names(root / "below") == []

    async def test_health_check_is_false_where_the_root_cannot_be(self, outside: Path) -> None:
        assert await filesystem(outside / "secret").health_check() is False
        assert await filesystem(outside / "secret" / "below").health_check() is False

    async def test_signed_url_is_a_file_url(self, fs: LocalFileSystem, root: Path) -> None:
        await fs.write("a b", b"x")
        assert await fs.get_signed_url("a b", expiry=1) == f"file://{root}/a%20b"


class TestLinks:
    """Case 41 of bad input."""

    async def test_a_directory_link_that_leaves_the_root_is_refused(
        self, fs: LocalFileSystem, root: Path, outside: Path
    ) -> None:
        (root / "link").symlink_to(outside)
        await assert_refused(fs, "link/secret")
        await assert_refused(fs, "link/new")
        with pytest.raises(InvalidPathError, match=r"'link'.*leaves"):
            await fs.list("link")
        assert await fs.list("") == []
        assert names(outside) == ["secret"]

    async def test_a_file_link_that_leaves_the_root_is_refused(
        self, fs: LocalFileSystem, root: Path, outside: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (root / "link").symlink_to(outside / "secret")
        (root / "dangling").symlink_to(outside / "new")
        await assert_refused(fs, "link")
        await assert_refused(fs, "dangling")
        assert await fs.list("") == []
        assert sorted(caplog.messages) == [
            f"'{name}' is not listed: it is a link that leaves the root" for name in ("dangling", "link")
        ]
        assert (outside / "secret").read_bytes() == b"secret"
        assert names(outside) == ["secret"]

    async def test_a_link_is_looked_at_each_time(
        self, fs: LocalFileSystem, root: Path, outside: Path
    ) -> None:
        await fs.write("dir/secret", b"mine")
        assert await fs.read("dir/secret") == b"mine"
        (root / "dir").rename(root / "other")
        (root / "dir").symlink_to(outside)
        await assert_refused(fs, "dir/secret")

    async def test_links_that_stay_inside_are_followed(self, fs: LocalFileSystem, root: Path) -> None:
        await fs.write("dir/a", b"x")
        (root / "linked").symlink_to("dir")
        (root / "file").symlink_to(root / "dir" / "a")
        assert await fs.list("") == ["dir/a", "file", "linked/a"]
        assert await fs.list("linked") == ["linked/a"]
        for path in await fs.list(""):
            assert await fs.exists(path)
            assert await fs.read(path) == b"x"
            assert [block async for block in fs.stream(path)] == [b"x"]

    async def test_writing_and_deleting_act_on_the_link_itself(self, fs: LocalFileSystem, root: Path) -> None:
        await fs.write("target", b"old")
        for name in ("written", "deleted"):
            (root / name).symlink_to("target")
        await fs.write("written", b"new")
        assert await fs.delete("deleted") is True
        assert await fs.list("") == ["target", "written"]
        assert await fs.read("target") == b"old"
        assert await fs.read("written") == b"new"

    async def test_a_link_to_nothing_is_not_a_file(self, fs: LocalFileSystem, root: Path) -> None:
        (root / "link").symlink_to("nothing")
        assert await fs.list("") == []
        assert await fs.exists("link") is False
        assert await fs.delete("link") is False
        with pytest.raises(FileMissingError):
            await fs.read("link")

    async def test_links_in_a_circle_are_refused(self, fs: LocalFileSystem, root: Path) -> None:
        (root / "a").symlink_to("b")
        (root / "b").symlink_to("a")
        await assert_refused(fs, "a")
        await assert_refused(fs, "a/file")
        assert await fs.list("") == []

    async def test_a_link_to_a_directory_above_is_not_followed(self, fs: LocalFileSystem, root: Path) -> None:
        await fs.write("a/b/file", b"")
        (root / "a" / "b" / "up").symlink_to("..")
        (root / "a" / "b" / "self").symlink_to(".")
        (root / "a" / "top").symlink_to(root)
        assert await fs.list("") == ["a/b/file"]


class TestForeignFiles:
    """Cases 44 and 45."""

    async def test_a_fifo_is_left_alone_and_never_waited_for(self, fs: LocalFileSystem, root: Path) -> None:
        os.mkfifo(root / "fifo")
        assert await fs.list("") == []
        assert await fs.exists("fifo") is False
        for call in (fs.read, fs.delete, fs.get_signed_url):
            with pytest.raises(FileSystemError, match=r"'fifo'.*not a regular file"):
                await call("fifo")
        with pytest.raises(FileSystemError, match="not a regular file"):
            await fs.write("fifo", b"x")
        with pytest.raises(FileSystemError, match="not a regular file"):
            await anext(fs.stream("fifo"))
        assert (root / "fifo").is_fifo()

    async def test_case_44_names_that_no_path_can_have_are_logged_and_not_listed(
        self, fs: LocalFileSystem, root: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        await fs.write("good", b"")
        for name in (os.fsdecode(b"latin-\xfc"), "back\\slash", "line\nbreak"):
            (root / name).touch()
            (root / f"{name}.d").mkdir()
            (root / f"{name}.d" / "file").touch()
        assert await fs.list("") == ["good"]
        assert len(caplog.messages) == 6
        assert all(message.isascii() and message.isprintable() for message in caplog.messages)
        assert any("latin-" in message and "not valid Unicode" in message for message in caplog.messages)

    async def test_a_directory_that_goes_while_it_is_listed_is_not_an_error(
        self, fs: LocalFileSystem, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await fs.write("a", b"")
        (root / "dir").mkdir()
        opened = os.open(root / "dir", os.O_RDONLY)
        scandir = os.scandir

        def removing(descriptor: int) -> Any:
            if os.path.sameopenfile(descriptor, opened) and (root / "dir").exists():
                (root / "dir").rmdir()
            return scandir(descriptor)

        monkeypatch.setattr(os, "scandir", removing)
        assert await fs.list("") == ["a"]
        assert not (root / "dir").exists()
        os.close(opened)

    async def test_a_tree_deeper_than_the_recursion_limit_is_listed(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        path = "d/" * (sys.getrecursionlimit() + 100) + "file"
        await fs.write("a", b"x")
        await fs.write(path, b"x")
        assert await fs.list("") == ["a", path]
        assert await fs.delete(path)
        os.removedirs((root / path).parent)  # too deep for shutil.rmtree, which pytest tidies up with


@contextmanager
def unprivileged() -> Iterator[None]:
    """Run the block as another user where this one is root, whom permissions do not stop."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


class TestCase46:
    """What goes, or may not be read, while others can."""

    @pytest.fixture
    def root(self) -> Iterator[Path]:
        """Yield a root that every user can reach, unlike pytest's folders."""
        with TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            yield Path(folder, "root")

    async def test_a_file_removed_after_it_was_listed_is_missing(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        for path in ("dir/a", "dir/b"):
            await fs.write(path, b"x")
        listed = await fs.list("dir")
        (root / "dir" / "a").unlink()
        with pytest.raises(FileMissingError, match="'dir/a'"):
            await anext(fs.stream(listed[0]))
        assert await fs.read(listed[1]) == b"x"

    async def test_a_file_that_may_not_be_read_is_named(self, fs: LocalFileSystem, root: Path) -> None:
        for path in ("dir/denied", "dir/good"):
            await fs.write(path, b"x")
        (root / "dir" / "denied").chmod(0)
        with unprivileged():
            assert await fs.list("dir") == ["dir/denied", "dir/good"]
            assert await fs.read("dir/good") == b"x"
            with pytest.raises(FileSystemError, match=r"cannot read 'dir/denied'.*Permission denied"):
                await fs.read("dir/denied")
            with pytest.raises(FileSystemError, match=r"cannot read 'dir/denied'.*Permission denied"):
                await anext(fs.stream("dir/denied"))

    async def test_a_directory_that_may_not_be_read_is_an_error_and_not_empty(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        await fs.write("dir/closed/a", b"x")
        (root / "dir" / "closed").chmod(0)
        with unprivileged():
            for call in (fs.list, fs.read, fs.delete, fs.exists):
                with pytest.raises(FileSystemError, match="Permission denied"):
                    await call("dir/closed")

    async def test_a_list_names_what_may_not_be_read_below_its_prefix(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        await fs.write("dir/open/closed/a", b"x")
        (root / "dir" / "open" / "closed").chmod(0)
        await fs.write("links/good", b"x")
        (root / "links" / "bad").symlink_to("../dir/open/closed/a")
        with unprivileged():
            with pytest.raises(FileSystemError, match=r"list 'dir' .*: 'dir/open/closed': Permission"):
                await fs.list("dir")
            with pytest.raises(FileSystemError, match=r"list 'links' .*: 'links/bad': Permission"):
                await fs.list("links")

    async def test_a_directory_that_may_not_be_written_is_an_error(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        await fs.write("dir/a", b"old")
        (root / "dir").chmod(0o555)
        with unprivileged():
            for call in (fs.write("dir/a", b"new"), fs.write("dir/b", b"new"), fs.delete("dir/a")):
                with pytest.raises(FileSystemError, match="Permission denied"):
                    await call
            assert await fs.read("dir/a") == b"old"


class TestFilesThatChange:
    """Bad input 8: a file that is still being written."""

    @pytest.mark.parametrize("change", [b"x" * (BLOCK_BYTES + 8), b"", b"y" * (BLOCK_BYTES + 4)])
    async def test_one_that_is_written_to_while_it_is_read_raises_at_its_end(
        self, fs: LocalFileSystem, root: Path, change: bytes
    ) -> None:
        (root / "a").write_bytes(b"x" * (BLOCK_BYTES + 4))
        os.utime(root / "a", ns=(0, 0))
        blocks = fs.stream("a")
        await anext(blocks)
        (root / "a").write_bytes(change)
        with pytest.raises(FileSystemError, match="'a' was changed while it was read"):
            async for _ in blocks:
                pass

    async def test_one_that_is_truncated_within_a_tick_of_the_clock_raises_too(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        (root / "a").write_bytes(b"x" * (BLOCK_BYTES + 4))
        os.utime(root / "a", ns=(0, 0))
        blocks = fs.stream("a")
        await anext(blocks)
        (root / "a").write_bytes(b"")
        os.utime(root / "a", ns=(0, 0))
        with pytest.raises(FileSystemError, match="'a' was changed while it was read"):
            async for _ in blocks:
                pass

    async def test_one_that_is_replaced_is_read_as_it_was(self, fs: LocalFileSystem, root: Path) -> None:
        (root / "a").write_bytes(b"old")
        blocks = fs.stream("a")
        first = await anext(blocks)
        await fs.write("a", b"new")
        assert first + b"".join([block async for block in blocks]) == b"old"


class TestDirectoriesWithoutFiles:
    """Directories that stay on a disk and do not exist for the interface."""

    async def test_one_with_a_temporary_file_of_a_killed_process_makes_room(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        kill_while_writing(root)
        assert await fs.delete("dir") is False
        await fs.write("dir", b"x")
        assert names(root) == ["dir"]

    async def test_one_that_is_being_written_to_stays(self, fs: LocalFileSystem) -> None:
        async def source() -> AsyncIterator[bytes]:
            yield b"one "
            with pytest.raises(FileSystemError, match="cannot write 'dir'"):
                await fs.write("dir", b"x")
            yield b"two"

        await fs.write_stream("dir/a", source())
        assert await fs.list("") == ["dir/a"]

    async def test_entries_other_than_files_are_not_removed_either(
        self, fs: LocalFileSystem, root: Path, outside: Path
    ) -> None:
        for name in ("a", "b", "c"):
            (root / name).mkdir()
        os.mkfifo(root / "a" / "fifo")
        (root / "b" / "link").symlink_to(outside)
        (root / "c" / "back\\slash").touch()
        for name in ("a", "b", "c"):
            with pytest.raises(FileSystemError, match="it is a directory"):
                await fs.write(name, b"x")
            assert len(names(root / name)) == 1

    async def test_a_link_to_one_makes_room_and_the_directory_stays(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        (root / "dir").mkdir()
        (root / "link").symlink_to("dir")
        assert await fs.delete("link") is False
        await fs.write("link", b"x")
        assert await fs.list("") == ["link"]
        assert names(root) == ["dir", "link"]

    async def test_one_deeper_than_the_recursion_limit_makes_room(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        path = "d/" * (sys.getrecursionlimit() + 100) + "file"
        await fs.write(path, b"x")
        assert await fs.delete(path)
        await fs.write("d", b"x")
        assert names(root) == ["d"]


class TestNames:
    """Case 42, as far as it is not the contract's."""

    async def test_a_path_that_only_the_root_makes_too_long_is_refused(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        path = "dir/" * 1022 + "name"
        await assert_refused(fs, path)
        with pytest.raises(InvalidPathError):
            await fs.list(path)
        assert await fs.list("") == []

    @pytest.mark.parametrize("path", [TEMPORARY, f"dir/{TEMPORARY}"])
    async def test_names_of_temporary_files_are_refused(self, fs: LocalFileSystem, path: str) -> None:
        await assert_refused(fs, path)


class TestPermissions:
    """Case 51; temporary files are made beside their target, so that no other mount comes in between."""

    @pytest.fixture(autouse=True)
    def _umask(self) -> Iterator[None]:
        before = os.umask(0o027)
        yield
        os.umask(before)

    async def test_new_files_and_directories_have_what_the_umask_gives(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        await fs.write("dir/a", b"x")
        await fs.write_stream("dir/b", blocks(b"x"))
        assert [permissions(root / path) for path in ("dir", "dir/a", "dir/b")] == [0o750, 0o640, 0o640]

    @pytest.mark.parametrize("mode", [0o664, 0o600, 0o444])
    async def test_a_replaced_file_keeps_its_own(self, fs: LocalFileSystem, root: Path, mode: int) -> None:
        await fs.write("a", b"old")
        (root / "a").chmod(mode)
        await fs.write("a", b"new")
        assert permissions(root / "a") == mode
        await fs.write_stream("a", blocks(b"new"))
        assert permissions(root / "a") == mode

    async def test_a_private_file_and_the_directories_made_for_it_are_the_user_s_own(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        await fs.write("there/a", b"x")
        for path in ("there/a", "there/b", "one/two/a"):
            await fs.write_stream(path, blocks(b"x"), is_private=True)
        await fs.write("three/a", b"x", is_private=True)
        paths = ("there/a", "there/b", "one/two/a", "three/a")
        assert [permissions(root / path) for path in paths] == [0o600] * 4
        directories = ("there", "one", "one/two", "three")
        assert [permissions(root / path) for path in directories] == [0o750, 0o700, 0o700, 0o700]
        await fs.write("one/two/a", b"y")
        assert permissions(root / "one/two/a") == 0o600


class TestDurability:
    @pytest.fixture
    def calls(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Record the calls to the disk, in order; directories by their name."""
        calls: list[str] = []
        mkdir, replace, fsync = os.mkdir, os.replace, os.fsync

        def recorded_mkdir(path: Path | str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
            mkdir(path, mode, dir_fd=dir_fd)
            calls.append(f"mkdir {Path(path).name}")

        def recorded_replace(source: str, target: str, **directories: int) -> None:
            replace(source, target, **directories)
            calls.append(f"rename to {target}")

        def recorded_fsync(descriptor: int) -> None:
            fsync(descriptor)
            status = os.fstat(descriptor)
            directories = [path for path in root.parent.rglob("*") if path.is_dir()]
            names = [path.name for path in directories if os.path.samestat(path.stat(), status)]
            calls.append(f"fsync {names[0] if names else 'content'}")

        monkeypatch.setattr(os, "mkdir", recorded_mkdir)
        monkeypatch.setattr(os, "replace", recorded_replace)
        monkeypatch.setattr(os, "fsync", recorded_fsync)
        return calls

    async def test_content_name_and_new_directories_are_made_durable_in_this_order(
        self, fs: LocalFileSystem, calls: list[str]
    ) -> None:
        made = ["mkdir one", "fsync root", "mkdir two", "fsync one"]
        replaced = ["fsync content", "rename to a", "fsync two"]
        await fs.write("one/two/a", b"x")
        assert calls == made + replaced
        await fs.write("one/two/a", b"y")
        assert calls == made + replaced * 2
        await fs.write_stream("one/two/a", blocks(b"z"))
        assert calls == made + replaced * 3

    async def test_a_new_root_is_made_durable_too(self, tmp_path: Path, calls: list[str]) -> None:
        (tmp_path / "there").mkdir()
        await filesystem(tmp_path / "there" / "new").write("a", b"x")
        assert calls[1:4] == ["mkdir new", "fsync there", "fsync content"]


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the system refuse files over 64 KiB in the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def broken(call: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def failing(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing)
        yield


def broken_fsync(monkeypatch: pytest.MonkeyPatch) -> Any:
    return broken("fsync", monkeypatch)


def broken_rename(monkeypatch: pytest.MonkeyPatch) -> Any:
    return broken("replace", monkeypatch)


class TestFailures:
    """Cases 48 and 50."""

    @pytest.mark.parametrize("fault", [full_disk, broken_fsync, broken_rename])
    @pytest.mark.parametrize("streamed", [False, True])
    async def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(
        self, fs: LocalFileSystem, root: Path, monkeypatch: pytest.MonkeyPatch, fault: Any, streamed: bool
    ) -> None:
        await fs.write("a", b"old")
        data = bytes(3_000_000)
        for path in ("a", "b"):
            with fault(monkeypatch), pytest.raises(FileSystemError, match=f"cannot write '{path}'") as caught:
                await (fs.write_stream(path, blocks(data, data)) if streamed else fs.write(path, data))
            assert isinstance(caught.value.__cause__, OSError)
        assert names(root) == ["a"]
        assert await fs.read("a") == b"old"

    async def test_when_only_the_directory_is_not_made_durable_the_new_content_is_in_place(
        self, fs: LocalFileSystem, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await fs.write("a", b"old")
        fsync = os.fsync

        def failing(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", failing)
        with pytest.raises(FileSystemError, match="Input/output error"):
            await fs.write("a", b"new")
        assert await fs.read("a") == b"new"
        assert names(root) == ["a"]

    async def test_an_error_of_the_system_is_raised_as_ours(
        self, fs: LocalFileSystem, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await fs.write("a", b"x")

        def denied(*args: object, **kwargs: object) -> int:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(os, "open", denied)
        with pytest.raises(FileSystemError, match=f"cannot read 'a' under '{root}': Permission denied"):
            await fs.read("a")
        with pytest.raises(FileSystemError, match=r"cannot write 'b'.*Permission denied"):
            await fs.write("b", b"x")

    async def test_a_file_among_the_directories_of_a_path_is_named(self, fs: LocalFileSystem) -> None:
        await fs.write("dir/a", b"x")
        with pytest.raises(FileSystemError, match=r"cannot write 'dir/a/b/c'.*'a' is not a directory"):
            await fs.write("dir/a/b/c", b"x")

    async def test_an_os_error_of_the_source_passes_through(self, fs: LocalFileSystem) -> None:
        error = OSError(errno.ECONNRESET, "the source is gone")

        async def source() -> AsyncIterator[bytes]:
            yield b"x"
            raise error

        with pytest.raises(OSError, match="the source is gone") as caught:
            await fs.write_stream("a", source())
        assert caught.value is error

    async def test_a_chunk_that_is_not_bytes_leaves_nothing(self, fs: LocalFileSystem, root: Path) -> None:
        text: Any = "text"
        with pytest.raises(TypeError):
            await fs.write("a", text)
        with pytest.raises(TypeError):
            await fs.write_stream("a", blocks(b"x", text))
        assert names(root) == []


class Pause:
    """Holds one call of the system in its thread until the test goes on."""

    def __init__(self, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._loop = asyncio.get_running_loop()
        self._entered, self._go_on = asyncio.Event(), threading.Event()
        self.ended = False
        self._call: Callable[..., Any] = getattr(os, call)
        monkeypatch.setattr(os, call, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self._call(*args, **kwargs)
        self._loop.call_soon_threadsafe(self._entered.set)
        self._go_on.wait()
        self.ended = True
        return result

    async def cancel(self, task: asyncio.Task[Any]) -> None:
        """Cancel ``task`` once its thread is in the call, and have the call go on after that."""
        await self._entered.wait()
        task.cancel()
        self._loop.call_soon(task.cancel)
        self._loop.call_soon(self._go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task


class TestCancellation:
    async def test_a_cancelled_write_has_ended_when_it_raises(
        self, fs: LocalFileSystem, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pause = Pause("fsync", monkeypatch)
        await pause.cancel(asyncio.create_task(fs.write("a", b"new")))
        assert pause.ended
        assert names(root) == ["a"]
        assert await fs.read("a") == b"new"

    @pytest.mark.parametrize("call", ["open", "fchmod"])
    async def test_a_cancelled_stream_of_writes_leaves_no_temporary_file(
        self, fs: LocalFileSystem, root: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        await fs.write("a", b"old")
        pause = Pause(call, monkeypatch)
        await pause.cancel(asyncio.create_task(fs.write_stream("a", blocks(b"new"))))
        assert pause.ended
        assert names(root) == ["a"]
        assert await fs.read("a") == b"old"

    async def test_a_cancelled_reader_leaves_no_file_open(
        self, fs: LocalFileSystem, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await fs.write("a", bytes(BLOCK_BYTES + 1))
        stream = fs.stream("a")
        assert len(await anext(stream)) == BLOCK_BYTES
        pause = Pause("fstat", monkeypatch)
        await pause.cancel(asyncio.create_task(anext(stream)))
        assert pause.ended
        monkeypatch.undo()

    async def test_a_stream_left_early_leaves_no_file_open(self, fs: LocalFileSystem, root: Path) -> None:
        await fs.write("a", bytes(3_000_000))
        stream = fs.stream("a")
        assert len(await anext(stream)) == 1024 * 1024
        await stream.aclose()
        (root / "a").unlink()


WRITER = """
import asyncio, sys
from platform_localfs import LocalFileSystem
from platform_localfs._reader import BLOCK_BYTES
from platform_memory import MemorySecrets

async def endless():
    yield bytes(2_000_000)
    print("writing", flush=True)
    await asyncio.Event().wait()

fs = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": sys.argv[1]}))
asyncio.run(fs.write_stream("dir/a", endless()))
"""


def kill_while_writing(root: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        writer.send_signal(signal.SIGKILL)


class TestTemporaryFiles:
    """Case 49."""

    async def test_that_of_a_killed_process_is_never_listed_and_goes_with_the_next_write(
        self, fs: LocalFileSystem, root: Path
    ) -> None:
        kill_while_writing(root)
        assert len(names(root / "dir")) == 1
        assert await fs.list("") == []
        await fs.write("dir/b", b"x")
        assert names(root / "dir") == ["b"]

    async def test_one_that_is_being_written_stays(self, fs: LocalFileSystem, root: Path) -> None:
        async def source() -> AsyncIterator[bytes]:
            yield b"one "
            await filesystem(root).write("dir/b", b"x")
            yield b"two"

        await fs.write_stream("dir/a", source())
        assert await fs.read("dir/a") == b"one two"
        assert names(root / "dir") == ["a", "b"]

    async def test_other_names_are_not_taken_for_one(self, fs: LocalFileSystem, root: Path) -> None:
        for name in (".platform-0123.tmp", f"{TEMPORARY}.gz", f"x{TEMPORARY}", TEMPORARY.upper()):
            (root / name).touch()
        await fs.write("a", b"x")
        assert len(await fs.list("")) == 5
