"""Any sequence of operations has the same outcome on local disk and in memory, step by step.

Of the cases of bad input, drawn here in any combination: 37 to 40 (paths that are refused, and odd ones that
are not), 42 (long names), 43 (directories in the place of files, and the other way round).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from platform_interfaces import FileMissingError, FileSystemInterface
from platform_interfaces.testing.filesystem import ODD_NAMES, REFUSED_PATHS
from platform_localfs import LocalFileSystem
from platform_memory import MemoryFileSystem, MemorySecrets

# Few names, so that files and directories meet in one place.
ordinary = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)
odd = st.lists(st.sampled_from([*ODD_NAMES, "a", "n" * 255, "ü" * 127]), min_size=1, max_size=2).map("/".join)
refused = st.sampled_from(list(REFUSED_PATHS.values()))
arbitrary = st.text(max_size=8)
paths = st.one_of(ordinary, ordinary, ordinary, ordinary, odd, refused, arbitrary)
prefixes = st.one_of(st.just(""), paths, ordinary.map(lambda path: f"{path}/"))
small = st.binary(max_size=40)
contents = st.one_of(small, small, small, st.integers(1, 2).map(lambda count: b"block" * 210_000 * count))


class SourceError(Exception):
    """What the source of a streamed write fails with."""


async def chunked(blocks: Sequence[bytes], *, fails: bool) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
    if fails:
        raise SourceError


async def streamed(fs: FileSystemInterface, path: str) -> bytes:
    return b"".join([block async for block in fs.stream(path)])


async def outcome(call: Awaitable[Any]) -> Any:
    """Return the result of the call, or the type of its error, whichever it is."""
    try:
        return await call
    except Exception as error:  # noqa: BLE001
        return type(error)


class FileSystems(RuleBasedStateMachine):
    """Both file systems, in the same state."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self._root = Path(self._folder.name, "root")
        self._runner = asyncio.Runner()
        self._memory = MemoryFileSystem()
        self._local = self._opened()

    def teardown(self) -> None:
        self._runner.close()
        self._folder.cleanup()

    def _opened(self) -> LocalFileSystem:
        return LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(self._root)}))

    def _same(self, call: Callable[[FileSystemInterface], Awaitable[Any]]) -> Any:
        expected = self._runner.run(outcome(call(self._memory)))
        assert self._runner.run(outcome(call(self._local))) == expected
        return expected

    @rule(path=paths, data=contents)
    def write(self, path: str, data: bytes) -> None:
        self._same(lambda fs: fs.write(path, data))

    @rule(path=paths, blocks=st.lists(contents, max_size=3), fails=st.booleans())
    def write_stream(self, path: str, blocks: list[bytes], fails: bool) -> None:
        self._same(lambda fs: fs.write_stream(path, chunked(blocks, fails=fails)))

    @rule(path=paths)
    def read(self, path: str) -> None:
        self._same(lambda fs: fs.read(path))

    @rule(path=paths)
    def stream(self, path: str) -> None:
        self._same(lambda fs: streamed(fs, path))

    @rule(path=paths)
    def delete(self, path: str) -> None:
        self._same(lambda fs: fs.delete(path))

    @rule(path=paths)
    def exists(self, path: str) -> None:
        self._same(lambda fs: fs.exists(path))

    @rule(prefix=prefixes)
    def list(self, prefix: str) -> None:
        self._same(lambda fs: fs.list(prefix))

    @rule(prefix=prefixes)
    def survey(self, prefix: str) -> None:
        self._same(lambda fs: fs.survey(prefix))

    @rule(prefix=prefixes)
    def list_names(self, prefix: str) -> None:
        """Compare the names, except directories without files: these are on the disk only."""

        async def names_of_files(fs: FileSystemInterface) -> tuple[str, ...]:
            names, start = await fs.list_names(prefix), f"{prefix.removesuffix('/')}/" if prefix else ""
            return tuple([name for name in names if not name.endswith("/") or await fs.list(start + name)])

        expected = self._runner.run(outcome(names_of_files(self._memory)))
        found = self._runner.run(outcome(names_of_files(self._local)))
        assert found == expected or (expected, found) in ((FileMissingError, ()), ((), FileMissingError))

    @rule(path=paths)
    def get_signed_url(self, path: str) -> None:
        async def can_be_had(fs: FileSystemInterface) -> bool:
            return "://" in await fs.get_signed_url(path)

        self._same(can_be_had)

    @rule()
    def open_the_disk_again(self) -> None:
        self._local = self._opened()

    @rule(path=ordinary)
    def find_a_directory_made_by_others(self, path: str) -> None:
        directory = self._root / path
        if not any(parent.is_file() for parent in (directory, *directory.parents)):
            directory.mkdir(parents=True, exist_ok=True)

    @invariant()
    def the_disk_has_what_the_memory_has_and_no_other_file(self) -> None:
        listed = self._same(lambda fs: fs.list(""))
        assert listed == sorted(
            str(path.relative_to(self._root)) for path in self._root.rglob("*") if not path.is_dir()
        )
        for path in listed:
            assert (self._root / path).read_bytes() == self._runner.run(self._memory.read(path))


TestFileSystems = FileSystems.TestCase
TestFileSystems.settings = settings(max_examples=settings().max_examples // 2)  # for each writes to a disk
