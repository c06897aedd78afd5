"""Writes the same file again and again, each time failing or dying one call of the system later.

    python -m tests.torture.faulty_write FOLDER SITUATION METHOD FAULT

Each try is a process of its own, in the root ``FOLDER/<number>``; a line of JSON on standard output says how
it ended and at which call. FAULT is the name of an errno, or SIGKILL.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from io import FileIO
from itertools import count
from pathlib import Path
from typing import Any

import platform_localfs._temporary
from platform_interfaces import FileSystemError
from platform_localfs import LocalFileSystem
from platform_memory import MemorySecrets

PATH = "dir/a"
OLD, NEW = b"old" * 10_000, b"new" * 500_000
ABANDONED = ".platform-0123456789abcdef.tmp"
WRITTEN, REFUSED, NOT_REACHED = 0, 10, 11
_CALLS = [
    "close",
    "fchmod",
    "fstat",
    "fsync",
    "lstat",
    "mkdir",
    "open",
    "readlink",
    "replace",
    "rmdir",
    "scandir",
]
_CALLS += ["stat", "unlink"]


def arrange(root: Path, situation: str) -> None:
    """Have what the write will meet: nothing, an old file, or a directory without files in its place."""
    root.mkdir()
    if situation == "old file":
        (root / "dir").mkdir()
        (root / PATH).write_bytes(OLD)
        (root / "dir" / ABANDONED).touch()
    elif situation == "directory without files":
        (root / PATH / "b").mkdir(parents=True)
        (root / PATH / ABANDONED).touch()


class Fault:
    """Happens at the call whose number is ``at``, counted from 1."""

    def __init__(self, name: str, at: int) -> None:
        self._name, self._rest = name, at
        self.call: str | None = None

    def pass_by(self, call: str) -> None:
        """Count a call that is about to be made, or is half done."""
        self._rest -= 1
        if self._rest:
            return
        self.call = call
        print(json.dumps({"call": call}), flush=True)
        if self._name == "SIGKILL":
            os.kill(os.getpid(), signal.SIGKILL)
        number = getattr(errno, self._name)
        raise OSError(number, os.strerror(number))

    def wrap(self, module: Any, call: str) -> None:
        """Have calls of ``module.call`` pass by here."""
        function: Callable[..., Any] = getattr(module, call)

        def passing(*args: Any, **kwargs: Any) -> Any:
            self.pass_by(call)
            return function(*args, **kwargs)

        setattr(module, call, passing)

    def install(self) -> None:
        """Have all calls that a write is made of pass by here."""
        for call in _CALLS:
            self.wrap(os, call)
        self.wrap(fcntl, "flock")
        pass_by = self.pass_by

        class HalfWritten(FileIO):
            def write(self, data: Any, /) -> int:
                half = len(data) // 2
                super().write(data[:half])
                pass_by("write")
                return half + super().write(data[half:])

        platform_localfs._temporary.FileIO = HalfWritten  # type: ignore[attr-defined]


async def blocks() -> AsyncIterator[bytes]:
    """Yield the new content in three blocks."""
    for start in range(0, len(NEW), 600_000):
        yield NEW[start : start + 600_000]


def attempt(root: Path, method: str, fault: Fault) -> int:
    """Write with this fault; the exit code."""
    fs = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(root)}))
    fault.install()
    try:
        asyncio.run(fs.write(PATH, NEW) if method == "write" else write_stream(fs))
    except FileSystemError:
        return REFUSED
    return NOT_REACHED if fault.call is None else WRITTEN


async def write_stream(fs: LocalFileSystem) -> None:
    """Write the new content block by block."""
    await fs.write_stream(PATH, blocks())


def main(folder: Path, situation: str, method: str, name: str) -> None:
    """Try with the fault at the first call, the second and so on, until there is no such call any more."""
    for number in count(1):
        root = folder / str(number)
        arrange(root, situation)
        process = os.fork()
        if not process:
            os._exit(attempt(root, method, Fault(name, number)))
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        print(json.dumps({"code": code}), flush=True)
        if code == NOT_REACHED:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
