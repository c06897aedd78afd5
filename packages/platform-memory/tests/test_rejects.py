"""How rejects are kept, on the file system that is there for tests."""

import resource
from collections.abc import AsyncIterable, AsyncIterator

import pytest

from platform_interfaces import (
    FileSystemError,
    InvalidPathError,
    Reason,
    Reject,
    RejectWriter,
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
    """Store rejects as a run does that has read these files."""
    async with RejectWriter(fs, "day", "run") as writer:
        for file in files:
            writer.add(reject_of(file, line) for line in range(rejects))
            writer.complete(file)


async def stored(fs: MemoryFileSystem) -> list[tuple[str, int]]:
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
    assert await stored(fs) == [("day/b", 0), ("day/b", 1), ("day/a", 0), ("day/a", 1)]
    assert await fs.list("") == [PATH]


async def test_a_run_that_is_abandoned_leaves_what_is_stored(fs: MemoryFileSystem) -> None:
    await keep(fs, "day/a", rejects=2)
    async with RejectWriter(fs, "day", "run") as writer:
        writer.complete("day/a")
        writer.abandon()
    assert await stored(fs) == [("day/a", 0), ("day/a", 1)]


async def test_a_file_that_was_read_again_has_what_was_added_last_and_others_keep_theirs(
    fs: MemoryFileSystem,
) -> None:
    await keep(fs, "day/a", "day/b", "day/c", rejects=3)
    await keep(fs, "day/b", rejects=1)
    assert await stored(fs) == [
        ("day/b", 0),
        *((file, line) for file in ("day/a", "day/c") for line in range(3)),
    ]
    await keep(fs, "day/a", "day/b", "day/c", rejects=0)
    assert await fs.list("") == []


async def test_a_file_that_was_not_completed_keeps_what_it_had(fs: MemoryFileSystem) -> None:
    await keep(fs, "day/a", "day/b")
    async with RejectWriter(fs, "day", "run") as writer:
        writer.add([reject_of("day/a", 7)])
        writer.complete("day/a")
        writer.add([reject_of("day/b", 8)])
        writer.discard()
        writer.add([reject_of("day/c", 9)])
    assert await stored(fs) == [("day/a", 7), ("day/b", 0)]


async def test_nothing_is_written_when_no_file_was_completed(fs: MemoryFileSystem) -> None:
    async with RejectWriter(fs, "day", "run") as writer:
        writer.add([reject_of("day/a")])
        writer.discard()
    assert await fs.list("") == []


async def test_a_failed_run_keeps_what_the_completed_files_had(fs: MemoryFileSystem) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        async with RejectWriter(fs, "day", "run") as writer:
            writer.add([reject_of("day/a", 1)])
            writer.complete("day/a")
            writer.add([reject_of("day/b", 2)])
            raise RuntimeError("stop")
    assert await stored(fs) == [("day/a", 1)]


async def test_rejects_that_cannot_be_saved_end_the_run_with_the_first_error() -> None:
    full = FullFileSystem()
    with pytest.raises(FileSystemError, match="no room"):
        await keep(full, "day/a")
    with pytest.raises(RuntimeError, match="stop"):
        async with RejectWriter(full, "day", "run") as writer:
            writer.add([reject_of("day/a")])
            writer.complete("day/a")
            raise RuntimeError("stop")


async def test_rejects_of_many_megabytes_are_kept_whole(fs: MemoryFileSystem) -> None:
    many = [reject_of("day/a", line, b"%d" % line * 600_000) for line in range(4)]
    async with RejectWriter(fs, "day", "run") as writer:
        for file in ("day/a", "day/b"):
            writer.add(many)
            writer.complete(file)
        writer.add(many)
        writer.discard()
    assert [reject async for reject in read_rejects(fs, PATH)] == many * 2


CHANGED = [
    b"no JSON",
    b'{"file": "day/a"}',
    b'{"file": "day/a", "line": 1, "offset": 0, "reasons": [], "raw": {"an": "object"}}',
    b'{"file": ["day/a"], "line": 1, "offset": 0, "reasons": [], "raw": ""}',
    b'{"file": "day/a", "line": Infinity, "offset": 0, "reasons": [], "raw": ""}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("changed", CHANGED, ids=range(len(CHANGED)))
async def test_a_line_that_was_edited_stays_and_costs_no_other(fs: MemoryFileSystem, changed: bytes) -> None:
    await keep(fs, "day/a", "day/b")
    first, second, _ = (await fs.read(PATH)).split(b"\n")
    await fs.write(PATH, b"\n".join([first, changed, b"", second]))
    await keep(fs, "day/c")
    assert await fs.read(PATH) == b"\n".join(
        [reject_of("day/c", 0).to_json("run").strip(), first, changed, second, b""]
    )
    with pytest.raises(ValueError, match=f"line 3 of '{PATH}'"):
        await stored(fs)
    await keep(fs, "day/a", "day/b", "day/c", rejects=0)
    assert await fs.read(PATH) == changed + b"\n"
    await drop_rejects(fs, "day/a")
    assert await fs.read(PATH) == changed + b"\n"
    assert await drop_rejects(fs, "day") == {PATH}
    assert await fs.list("") == []


async def files_of(fs: MemoryFileSystem, prefix: str = "") -> AsyncIterator[str]:
    async for reject in find_rejects(fs, prefix):
        yield reject.file


async def test_the_error_of_a_changed_line_comes_after_all_others(fs: MemoryFileSystem) -> None:
    await keep(fs, "day/a", "day/b")
    await fs.write(PATH, b"{\n" + await fs.read(PATH))
    files = files_of(fs)
    assert [await anext(files), await anext(files)] == ["day/a", "day/b"]
    with pytest.raises(ValueError, match="line 1 of"):
        await anext(files)


async def test_rejects_are_found_for_a_file_and_for_all_that_is_below_a_folder(fs: MemoryFileSystem) -> None:
    for folder in ("", "a", "a/b", "ab"):
        file = f"{folder}/file".removeprefix("/")
        await fs.write(rejects_path(folder), reject_of(file).to_json("run"))
    for prefix, files in {
        "": ["a/b/file", "a/file", "ab/file", "file"],
        "a": ["a/b/file", "a/file"],
        "a/": ["a/b/file", "a/file"],
        "a/b/file": ["a/b/file"],
        "file": ["file"],
        "a/b/fil": [],
    }.items():
        assert sorted([file async for file in files_of(fs, prefix)]) == files


@pytest.mark.parametrize("prefix", ["..", "/a", "a//b"])
async def test_a_prefix_that_can_never_be_a_path_is_refused(fs: MemoryFileSystem, prefix: str) -> None:
    with pytest.raises(InvalidPathError):
        await drop_rejects(fs, prefix)
    with pytest.raises(InvalidPathError):
        await anext(find_rejects(fs, prefix))


async def test_dropped_rejects_are_gone_and_others_stay(fs: MemoryFileSystem) -> None:
    await keep(fs, "day/a", "day/b", "day/a/c", "day/ab", rejects=2)
    assert await drop_rejects(fs, "day/d") == set()
    assert await drop_rejects(fs, "day/b") == {"day/b"}
    assert await drop_rejects(fs, "day/a") == {"day/a", "day/a/c"}
    assert await stored(fs) == [("day/ab", 0), ("day/ab", 1)]
    assert await drop_rejects(fs, "") == {"day/ab"}
    assert await fs.list("") == []


async def test_what_another_run_has_kept_meanwhile_stays(fs: MemoryFileSystem) -> None:
    async with RejectWriter(fs, "day", "one") as writer:
        writer.add([reject_of("day/a")])
        writer.complete("day/a")
        await keep(fs, "day/b")
    assert await stored(fs) == [("day/a", 1), ("day/b", 0)]


async def test_what_is_not_a_file_of_rejects_is_left_alone(fs: MemoryFileSystem) -> None:
    mine = ["rejected/day/notes.txt", "rejected/day/rejects-backup.jsonl"]
    for path in mine:
        await fs.write(path, reject_of("day/a").to_json("run"))
    await keep(fs, "day/a")
    assert [file async for file in files_of(fs)] == ["day/a"]
    await keep(fs, "day/a", rejects=0)
    await drop_rejects(fs, "")
    assert await fs.list("") == mine


async def test_what_was_mended_counts_beside_what_it_was(fs: MemoryFileSystem) -> None:
    [before] = [reject_of("day/a", raw=b"\xff").to_json("run")]
    await fs.write(PATH, before.replace(b'"raw_base64"', b'"raw": "mended", "raw_base64"'))
    assert [reject.raw async for reject in read_rejects(fs, PATH)] == [b"mended"]


async def test_e5_rejects_that_fill_the_disk_of_temporary_files_leave_what_was_kept(
    fs: MemoryFileSystem,
) -> None:
    await keep(fs, "day/a", "day/b")
    before = await stored(fs)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(FileSystemError, match=r"temporary file in '/.*TMPDIR"):
        async with RejectWriter(fs, "day", "run") as writer:
            writer.add([reject_of("day/a", 7)])
            writer.complete("day/a")
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 1024 * 1024, limits[1]))
                writer.add(reject_of("day/b", line, b"x" * 600_000) for line in range(5))
                writer.complete("day/b")
                await writer.save()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert await stored(fs) == before
