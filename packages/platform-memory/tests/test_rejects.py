"""How rejects are kept, on the file system that is there for tests."""

from collections.abc import AsyncIterable

import pytest

from platform_interfaces import (
    FileSystemError,
    Reason,
    Reject,
    RejectKeeper,
    drop_rejects,
    find_rejects,
    read_rejects,
    rejects_path,
)
from platform_memory import MemoryFileSystem

PATH = rejects_path("day")


def reject_of(file: str, line: int = 1, raw: bytes = b"x") -> Reject:
    return Reject(file, line, 0, raw, (Reason("code", "why"),))


async def keep(fs: MemoryFileSystem, *files: str, rejects: int = 1) -> None:
    """As a run that has read these files."""
    async with RejectKeeper(fs, "day", "run", await fs.list("rejected")) as keeper:
        for file in files:
            keeper.add(reject_of(file, line) for line in range(rejects))
            keeper.complete(file)


async def kept(fs: MemoryFileSystem) -> list[tuple[str, int]]:
    return [(reject.file, reject.line) async for reject in read_rejects(fs, PATH)]


@pytest.fixture
def fs() -> MemoryFileSystem:
    return MemoryFileSystem()


class FullFileSystem(MemoryFileSystem):
    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        assert is_private
        raise FileSystemError("no room")


async def test_the_rejects_of_the_files_of_a_run_are_kept_together_in_their_order(
    fs: MemoryFileSystem,
) -> None:
    await keep(fs, "day/b", "day/a", rejects=2)
    assert await kept(fs) == [("day/b", 0), ("day/b", 1), ("day/a", 0), ("day/a", 1)]
    assert await fs.list("") == [PATH]


async def test_a_file_that_was_read_again_has_what_was_added_last_and_others_keep_theirs(
    fs: MemoryFileSystem,
) -> None:
    await keep(fs, "day/a", "day/b", "day/c", rejects=3)
    await keep(fs, "day/b", rejects=1)
    assert await kept(fs) == [
        ("day/b", 0),
        *((file, line) for file in ("day/a", "day/c") for line in range(3)),
    ]
    await keep(fs, "day/a", "day/b", "day/c", rejects=0)
    assert await fs.list("") == []


async def test_a_file_that_was_not_completed_keeps_what_it_had(fs: MemoryFileSystem) -> None:
    await keep(fs, "day/a", "day/b")
    async with RejectKeeper(fs, "day", "run", [PATH]) as keeper:
        keeper.add([reject_of("day/a", 7)])
        keeper.complete("day/a")
        keeper.add([reject_of("day/b", 8)])
        keeper.discard()
        keeper.add([reject_of("day/c", 9)])
    assert await kept(fs) == [("day/a", 7), ("day/b", 0)]


async def test_nothing_is_written_when_no_file_was_completed(fs: MemoryFileSystem) -> None:
    async with RejectKeeper(fs, "day", "run") as keeper:
        keeper.add([reject_of("day/a")])
        keeper.discard()
    assert await fs.list("") == []


async def test_a_failed_run_keeps_what_the_completed_files_had(fs: MemoryFileSystem) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        async with RejectKeeper(fs, "day", "run") as keeper:
            keeper.add([reject_of("day/a", 1)])
            keeper.complete("day/a")
            keeper.add([reject_of("day/b", 2)])
            raise RuntimeError("stop")
    assert await kept(fs) == [("day/a", 1)]


async def test_rejects_that_cannot_be_saved_end_the_run_with_the_first_error() -> None:
    full = FullFileSystem()
    with pytest.raises(FileSystemError, match="no room"):
        await keep(full, "day/a")
    with pytest.raises(RuntimeError, match="stop"):
        async with RejectKeeper(full, "day", "run") as keeper:
            keeper.add([reject_of("day/a")])
            keeper.complete("day/a")
            raise RuntimeError("stop")


async def test_rejects_of_many_megabytes_are_kept_whole(fs: MemoryFileSystem) -> None:
    many = [reject_of("day/a", line, b"%d" % line * 600_000) for line in range(4)]
    async with RejectKeeper(fs, "day", "run") as keeper:
        for file in ("day/a", "day/b"):
            keeper.add(many)
            keeper.complete(file)
        keeper.add(many)
        keeper.discard()
    assert [reject async for reject in read_rejects(fs, PATH)] == many * 2


async def test_a_line_that_somebody_has_changed_stays(fs: MemoryFileSystem) -> None:
    await keep(fs, "day/a", "day/b")
    before = await fs.read(PATH)
    await fs.write(PATH, before.replace(b'"line": 0', b'"line": none', 1))
    await keep(fs, "day/a", "day/b", rejects=0)
    assert (await fs.read(PATH)).count(b"\n") == 1
    with pytest.raises(ValueError, match=f"line 1 of '{PATH}'"):
        await kept(fs)


async def test_rejects_are_found_for_a_file_and_for_all_that_is_below_a_folder(fs: MemoryFileSystem) -> None:
    for folder in ("", "a", "a/b", "other"):
        await fs.write(rejects_path(folder), b"")
    assert await find_rejects(fs, "a/b/file") == ["rejected/rejects.jsonl", *map(rejects_path, ("a", "a/b"))]
    assert await find_rejects(fs, "a") == ["rejected/rejects.jsonl", *map(rejects_path, ("a/b", "a"))]
    assert await find_rejects(fs, "a/") == await find_rejects(fs, "a")
    assert len(await find_rejects(fs, "")) == 4


async def test_dropped_rejects_are_gone_and_others_stay(fs: MemoryFileSystem) -> None:
    await keep(fs, "day/a", "day/b", "day/a/c", rejects=2)
    assert await drop_rejects(fs, PATH, lambda file: file == "day/d") == set()
    assert await drop_rejects(fs, PATH, lambda file: file == "day/b") == {"day/b"}
    assert {file for file, _ in await kept(fs)} == {"day/a", "day/a/c"}
    assert await drop_rejects(fs, PATH, lambda file: file.startswith("day/a")) == {"day/a", "day/a/c"}
    assert await fs.list("") == []
