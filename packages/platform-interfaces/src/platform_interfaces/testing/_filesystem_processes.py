"""What several processes on one root may rely on, also after one of them was killed."""

import asyncio
import multiprocessing
import sys
import warnings
from collections.abc import Callable, Coroutine
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from platform_interfaces import Capability, FileSystemInterface
from platform_interfaces.testing._capabilities import requires
from platform_interfaces.testing._filesystem_writes import put
from platform_interfaces.testing._support import LIMIT_SECONDS, bounded

MIB = 1024 * 1024
CONTENTS = (b"a" * (6 * MIB), b"b" * (2 * MIB))
Work = Callable[..., Coroutine[Any, Any, int]]


class FileSystemProcessCases:
    """A write is atomic for other processes, too, and one that was killed leaves the old content."""

    is_shared: bool | None = None
    """Whether another process sees the files; with None the suite finds out, and skips where it does not."""
    survives_fork: bool = True
    """Whether a forked process can use the adapter; else ``fs`` is pickled for one that is not forked."""

    def _start(self, work: Work, fs: FileSystemInterface, *args: object) -> BaseProcess:
        """Return a process that runs ``work(fs, *args)`` and ends with what it returns as exit code."""
        method = "fork" if self.survives_fork else "forkserver"
        if not self.survives_fork:
            multiprocessing.set_forkserver_preload([__name__, type(fs).__module__])
        context: Any = multiprocessing.get_context(method)
        process: BaseProcess = context.Process(target=_run, args=(work, fs, *args))
        with warnings.catch_warnings():  # other threads, which Python 3.12 and later warn of, have no locks
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        return process

    async def _require_shared(self, fs: FileSystemInterface) -> None:
        await fs.delete("probe")  # what an adapter cannot do at all is reported here, not lost with the child
        assert await _wait_for(self._start(_write_probe, fs)) == 0
        if not await fs.delete("probe"):
            assert not self.is_shared, "another process does not see the files: set is_shared to False"
            pytest.skip("another process does not see the files")

    @requires("is_shared")
    @pytest.mark.parametrize("way", ["write", "write_stream"])
    async def test_a_writer_killed_at_any_time_leaves_the_old_content_or_the_new(
        self, fs: FileSystemInterface, way: str
    ) -> None:
        await self._require_shared(fs)
        await fs.write("dir/a", CONTENTS[0])
        async with bounded():
            for reads in range(6):
                process = self._start(_write_for_ever, fs, way)
                try:
                    for _ in range(2 + 3 * reads):
                        assert await fs.read("dir/a") in CONTENTS
                        assert await fs.list("") == ["dir/a"]
                finally:
                    process.kill()
                    assert await _wait_for(process) == -9
                assert await fs.read("dir/a") in CONTENTS
                assert await fs.list("") == ["dir/a"]

    @requires("is_shared")
    @requires(Capability.EXACT_DELETES)
    async def test_of_processes_that_delete_a_file_one_says_that_it_was_there(
        self, fs: FileSystemInterface
    ) -> None:
        await self._require_shared(fs)
        paths = [f"dir/{number}" for number in range(50)]
        for path in paths:
            await fs.write(path, b"x")
        processes = [self._start(_delete_all, fs, paths) for _ in range(2)]
        async with bounded():
            counts = await asyncio.gather(*map(_wait_for, processes))
        assert sum(counts) == len(paths)


def _run(work: Work, fs: FileSystemInterface, *args: object) -> None:
    sys.exit(asyncio.run(asyncio.wait_for(work(fs, *args), LIMIT_SECONDS)))


async def _wait_for(process: BaseProcess) -> int:
    """Return the exit code of the process, or the negative number of the signal that ended it."""
    await asyncio.to_thread(process.join)
    code = process.exitcode
    process.close()
    assert code is not None
    return code


async def _write_probe(fs: FileSystemInterface) -> int:
    await fs.write("probe", b"x")
    return 0


async def _write_for_ever(fs: FileSystemInterface, way: str) -> int:
    while True:
        for content in CONTENTS:
            await put(fs, way, "dir/a", content)


async def _delete_all(fs: FileSystemInterface, paths: list[str]) -> int:
    return sum([await fs.delete(path) for path in paths])
