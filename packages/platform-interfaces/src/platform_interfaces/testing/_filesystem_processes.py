"""What several processes on one root may rely on, also after one of them was killed."""

import asyncio
import os
import signal

import pytest

from platform_interfaces import FileSystemInterface
from platform_interfaces.testing._capabilities import requires
from platform_interfaces.testing._filesystem_writes import put
from platform_interfaces.testing._support import bounded, run_in_child, start_child, wait_for_child

MIB = 1024 * 1024
CONTENTS = (b"a" * (6 * MIB), b"b" * (2 * MIB))


class FileSystemProcessCases:
    """A write is atomic for other processes, too, and one that was killed leaves the old content."""

    is_shared: bool | None = None
    """Whether another process sees the files; with None the suite finds out, and skips where it does not."""

    async def _require_shared(self, fs: FileSystemInterface) -> None:
        async def write() -> int:
            await fs.write("probe", b"x")
            return 0

        await fs.delete("probe")  # what an adapter cannot do at all is reported here, not lost with the child
        assert await run_in_child(write) == 0
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

        async def write_for_ever() -> int:
            while True:
                for content in CONTENTS:
                    await put(fs, way, "dir/a", content)

        async with bounded():
            for reads in range(6):
                child = start_child(write_for_ever)
                try:
                    for _ in range(2 + 3 * reads):
                        assert await fs.read("dir/a") in CONTENTS
                        assert await fs.list("") == ["dir/a"]
                finally:
                    os.kill(child, signal.SIGKILL)
                    assert await wait_for_child(child) == -signal.SIGKILL
                assert await fs.read("dir/a") in CONTENTS
                assert await fs.list("") == ["dir/a"]

    @requires("is_shared")
    async def test_of_processes_that_delete_a_file_one_says_that_it_was_there(
        self, fs: FileSystemInterface
    ) -> None:
        await self._require_shared(fs)
        paths = [f"dir/{number}" for number in range(50)]
        for path in paths:
            await fs.write(path, b"x")

        async def delete_all() -> int:
            return sum([await fs.delete(path) for path in paths])

        children = [start_child(delete_all) for _ in range(2)]
        async with bounded():
            counts = await asyncio.gather(*(wait_for_child(child) for child in children))
        assert sum(counts) == len(paths)
