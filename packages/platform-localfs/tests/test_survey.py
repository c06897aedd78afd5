"""Everything in a folder is accounted for: what can be read, once, and what cannot, with the reason."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from platform_interfaces import FileMissingError, FileSystemError, InvalidPathError
from platform_localfs import LocalFileSystem
from platform_localfs._root import Root, RootMissingError
from platform_localfs._walk import Walk
from platform_memory import MemorySecrets

DAY = "raw/2026-01-15"


@contextmanager
def as_another_user() -> Iterator[None]:
    """Run the block as another user where this one is root, whom permissions do not stop."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def root() -> Iterator[Path]:
    """Yield a root that every user can reach, unlike pytest's folders."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "root" / DAY).mkdir(parents=True)
        yield Path(folder) / "root"


@pytest.fixture
def day(root: Path) -> Path:
    (root / DAY / "good.jsonl").write_bytes(b"x")
    return root / DAY


@pytest.fixture
def fs(root: Path) -> LocalFileSystem:
    return LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(root)}))


async def test_b15_a_link_that_leaves_the_root_is_unusable(
    fs: LocalFileSystem, day: Path, root: Path
) -> None:
    (root.parent / "b.jsonl").write_bytes(b"x")
    (day / "b.jsonl").symlink_to(root.parent / "b.jsonl")
    (day / "up").symlink_to("../../..")
    found = await fs.survey(DAY)
    assert found.files == (f"{DAY}/good.jsonl",)
    reason = "it is a link that leaves the root"
    assert found.unusable == {f"{DAY}/b.jsonl": reason, f"{DAY}/up": reason}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\tb.jsonl", "a\\tb.jsonl"),
        ("a\nb.jsonl", "a\\nb.jsonl"),
        ("ü\\b.jsonl", "ü\\\\b.jsonl"),
        (os.fsdecode(b"latin-\xfc.jsonl"), "latin-\\udcfc.jsonl"),
    ],
    ids=["tab", "line feed", "backslash", "no UTF-8"],
)
async def test_b16_a_name_that_no_path_can_have_is_unusable_and_shown_escaped(
    fs: LocalFileSystem, day: Path, name: str, shown: str
) -> None:
    (day / name).touch()
    (day / f"{name}.d").mkdir()
    for number in range(3):
        (day / f"{name}.d" / str(number)).touch()
    found = await fs.survey(DAY)
    assert found.files == (f"{DAY}/good.jsonl",)
    assert list(found.unusable) == [f"{DAY}/{shown}", f"{DAY}/{shown}.d/"]
    assert all("its name cannot be a path" in reason for reason in found.unusable.values())
    assert f"{shown}.d/" in await fs.list_names(DAY)


async def test_b17_a_forbidden_folder_and_a_forbidden_file_cost_themselves_only(
    fs: LocalFileSystem, day: Path
) -> None:
    for name in ("closed", "unsearchable"):
        (day / name).mkdir()
        (day / name / "a.jsonl").touch()
    (day / "denied.jsonl").touch()
    (day / "linked").symlink_to("closed/a.jsonl")
    for name, mode in {"closed": 0, "unsearchable": 0o444, "denied.jsonl": 0}.items():
        (day / name).chmod(mode)
    with as_another_user():
        found = await fs.survey(DAY)
        with pytest.raises(FileSystemError, match="Permission denied"):
            await fs.list(DAY)
        with pytest.raises(FileSystemError, match="Permission denied"):
            await fs.survey(f"{DAY}/closed")
        with pytest.raises(FileSystemError, match=r"list '.*closed'.*Permission denied"):
            await fs.list_names(f"{DAY}/closed")
    assert found.files == (f"{DAY}/good.jsonl",)
    names = ("closed/", "denied.jsonl", "linked", "unsearchable/")
    assert found.unusable == dict.fromkeys([f"{DAY}/{name}" for name in names], "Permission denied")


async def test_b18_many_files_and_deep_folders_need_few_descriptors(fs: LocalFileSystem, day: Path) -> None:
    for number in range(2_000):
        (day / str(number)).touch()
    (day / ("d/" * 200)).mkdir(parents=True)
    (day / ("d/" * 200) / "deep").touch()
    (day / "dangling").symlink_to("nothing")
    await fs.list("")  # the loop and its threads have their descriptors
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = max(int(entry.name) for entry in Path("/dev/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 6, hard))
    try:
        found, listed = await fs.survey(DAY), await fs.list(DAY)
        for path in found.files[:100]:
            await fs.read(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert list(found.files) == listed
    assert len(listed) == 2_002
    assert (found.unusable, found.dangling) == ({}, (f"{DAY}/dangling",))


async def test_entries_other_than_files_are_unusable_and_links_that_lead_nowhere_are_dangling(
    fs: LocalFileSystem, day: Path
) -> None:
    os.mkfifo(day / "fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(day / "socket"))
    (day / "circle").symlink_to("circle")
    (day / "through a file").symlink_to("good.jsonl/a")
    (day / "to fifo").symlink_to("fifo")
    (day / ".platform-0123456789abcdef.tmp").touch()
    found = await fs.survey(DAY)
    assert found.dangling == (f"{DAY}/through a file",)
    assert found.unusable == {
        f"{DAY}/circle": "it is a link in a circle",
        f"{DAY}/fifo": "it is a FIFO, not a regular file",
        f"{DAY}/socket": "it is a socket, not a regular file",
        f"{DAY}/to fifo": "it is a FIFO, not a regular file",
    }


def test_a1_a_root_that_goes_while_it_is_walked_is_not_an_empty_one(day: Path) -> None:
    for name in ("a", "b"):
        (day / name).mkdir()
        (day / name / "c.jsonl").touch()
    walk = Walk(Root(day, "FS_LOCAL_ROOT"), None, lambda path, problem: None)
    files = walk.files((), "")
    next(files)
    day.rename(day.with_name("gone"))
    with pytest.raises(RootMissingError):
        list(files)


def test_a_special_file_that_is_removed_meanwhile_hides_no_file_of_its_directory(day: Path) -> None:
    fifos = [day / f"fifo{number}" for number in range(20)]
    for number, fifo in enumerate(fifos):
        os.mkfifo(fifo)
        (day / f"{number}.jsonl").touch()
    walk = Walk(Root(day, "FS_LOCAL_ROOT"), None, lambda path, problem: None)
    found = list[str]()
    for file in walk.files((), ""):
        for fifo in fifos if not found else ():
            fifo.unlink()
        found.append(file.path)
    assert sorted(found) == sorted(["good.jsonl", *(f"{number}.jsonl" for number in range(20))])


async def test_a_file_with_several_names_is_listed_once(fs: LocalFileSystem, day: Path, root: Path) -> None:
    (day / "a link").symlink_to("good.jsonl")
    os.link(day / "good.jsonl", day / "hard link")
    (day / "sub").mkdir()
    (day / "sub" / "c").touch()
    (day / "again").symlink_to("sub")
    (day / "sub" / "up").symlink_to("..")
    (root / "elsewhere").touch()
    (day / "x").symlink_to(root / "elsewhere")
    (day / "y").symlink_to("../../elsewhere")
    found = await fs.survey(DAY)
    assert found.files == tuple(f"{DAY}/{name}" for name in ("good.jsonl", "sub/c", "x"))
    pairs = {"a link": "good.jsonl", "again/c": "sub/c", "hard link": "good.jsonl", "y": "x"}
    assert found.aliases == {f"{DAY}/{name}": f"{DAY}/{first}" for name, first in pairs.items()}
    assert found.unusable == {}
    assert sorted([*found.files, *found.aliases]) == await fs.list(DAY)


async def test_directories_that_all_lead_to_each_other_are_surveyed_in_no_time(
    fs: LocalFileSystem, day: Path
) -> None:
    names = [str(number) for number in range(12)]
    for name in names:
        (day / name).mkdir()
        (day / name / "file").touch()
        for other in names:
            if other != name:
                (day / name / f"to {other}").symlink_to(f"../{other}")
    async with asyncio.timeout(60):  # there are more than 12! ways
        found = await fs.survey(DAY)
    assert len(found.files) == 13


class TestRoots:
    """Case A1, and what asks about a root that cannot be used."""

    @staticmethod
    def at(root: Path | str) -> LocalFileSystem:
        return LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(root)}))

    async def test_a1_a_missing_root_is_named_with_its_setting(self, root: Path) -> None:
        fs = self.at(root / "nosuch")
        text = rf"the root '{root}/nosuch' \(FS_LOCAL_ROOT\) does not exist: is the disk mounted\?"
        for prefix in ("", "raw"):
            with pytest.raises(FileMissingError, match=f"^{text}"):
                await fs.list_names(prefix)
        with pytest.raises(FileMissingError, match=f"cannot read 'a': {text}"):
            await fs.read("a")
        assert await fs.list("") == []
        assert not (root / "nosuch").exists()

    async def test_a1_a_root_that_is_a_file_or_below_one_is_named(self, root: Path, day: Path) -> None:
        for path, text in {
            day / "good.jsonl": "is a file, not a directory",
            day / "good.jsonl" / "x": r"does not exist: '.*/good.jsonl' is a file, not a directory",
        }.items():
            with pytest.raises(FileSystemError, match=text) as caught:
                await self.at(path).list_names("")
            assert not isinstance(caught.value, FileMissingError)
            with pytest.raises(FileSystemError, match=text):
                await self.at(path).write("a", b"")

    async def test_a1_a_root_that_is_a_dangling_link_is_named(self, root: Path) -> None:
        (root / "link").symlink_to("/no/such/mount")
        with pytest.raises(FileMissingError, match=r"is a link to '/no/such/mount', which does not exist"):
            await self.at(root / "link").list_names("")

    async def test_list_names_makes_nothing_and_lists_empty_directories(
        self, fs: LocalFileSystem, root: Path, day: Path
    ) -> None:
        (root / "raw" / "2026-01-16").mkdir()
        assert await fs.list_names("raw") == ("2026-01-15/", "2026-01-16/")
        assert await fs.list_names("raw/2026-01-16") == ()
        with pytest.raises(FileMissingError, match=f"the directory '{root}/rwa' does not exist"):
            await fs.list_names("rwa")
        with pytest.raises(FileSystemError, match=r"good.jsonl' is a file, not a directory"):
            await fs.list_names(f"{DAY}/good.jsonl")
        (root / "away").symlink_to("/")
        with pytest.raises(InvalidPathError, match="leaves"):
            await fs.list_names("away")
        assert sorted(path.name for path in root.iterdir()) == ["away", "raw"]


async def test_f_a_list_ends_where_links_lead_round_in_many_ways(fs: LocalFileSystem, root: Path) -> None:
    """Twelve directories that link to one another are reached by more ways than anybody can walk."""
    names = [f"d{number}" for number in range(12)]
    for name in names:
        (root / "mesh" / name).mkdir(parents=True)
        (root / "mesh" / name / "file").write_bytes(b"x")
        for other in names:
            (root / "mesh" / name / f"to-{other}").symlink_to(f"../{other}")
    found = await fs.list("mesh")
    assert {f"mesh/{name}/file" for name in names} <= set(found)
    assert "mesh/d0/to-d1/file" in found
