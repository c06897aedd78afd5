"""Exchanges a folder for a link again and again, in a process of its own, while files below it are used."""

from __future__ import annotations

import ctypes
import multiprocessing
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from platform_interfaces import FileSystemError
from platform_localfs import LocalFileSystem
from platform_memory import MemorySecrets

SECRET, MINE = b"secret", b"mine"


_RENAMEAT2 = getattr(ctypes.CDLL(None), "renameat2", None)
CAN_SWAP = _RENAMEAT2 is not None
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def _swap(folder: str, is_over: Synchronized[int], count: Synchronized[int]) -> None:
    assert _RENAMEAT2 is not None
    names = (f"{folder}/dir".encode(), f"{folder}/link".encode())
    while not is_over.value:
        if _RENAMEAT2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE):
            raise OSError("the folder cannot be exchanged for the link")
        count.value += 1


@contextmanager
def swapping(root: Path) -> Iterator[Synchronized[int]]:
    """Swap ``dir`` and ``link`` in ``root`` until the block ends; yield how often it was done."""
    context = multiprocessing.get_context("fork")
    is_over, count = context.Value("i", 0), context.Value("i", 0)
    process = context.Process(target=_swap, args=(str(root), is_over, count))
    process.start()
    try:
        yield count
    finally:
        is_over.value = 1
        process.join()
        assert process.exitcode == 0


async def _blocks() -> AsyncIterator[bytes]:
    yield MINE


async def _streamed(fs: LocalFileSystem, path: str) -> bytes:
    return b"".join([block async for block in fs.stream(path)])


def _calls(fs: LocalFileSystem) -> dict[str, Callable[[], Awaitable[Any]]]:
    return {
        "read": lambda: fs.read("dir/secret"),
        "stream": lambda: _streamed(fs, "dir/secret"),
        "exists": lambda: fs.exists("dir/only outside"),
        "list": lambda: fs.list("dir"),
        "survey": lambda: fs.survey("dir"),
        "list_names": lambda: fs.list_names("dir"),
        "get_signed_url": lambda: fs.get_signed_url("dir/only outside"),
        "write": lambda: fs.write("dir/new", MINE),
        "write_stream": lambda: fs.write_stream("dir/made/new", _blocks()),
        "delete": lambda: fs.delete("dir/victim"),
    }


async def count_escapes(folder: Path, rounds: int) -> tuple[Counter[str], Counter[str]]:
    """Use all calls for so many rounds; return those that reached the outside, and those that ended well."""
    root, outside = folder / "root", folder / "outside"
    for directory in (root / "dir", outside):
        directory.mkdir(parents=True)
    (root / "dir" / "secret").write_bytes(MINE)
    (root / "link").symlink_to(outside)
    (outside / "secret").write_bytes(SECRET)
    (outside / "only outside").write_bytes(SECRET)
    (outside / "victim").write_bytes(SECRET)
    before = sorted(outside.iterdir())
    fs = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(root)}))
    escapes, done = Counter[str](), Counter[str]()
    with swapping(root) as count:
        for _ in range(rounds):
            for name, call in _calls(fs).items():
                try:
                    found = await call()
                except FileSystemError:
                    continue
                done[name] += 1
                is_outside = found is True and name in ("exists", "delete")
                if is_outside or found == SECRET or "only outside" in str(found):
                    escapes[name] += 1
            if sorted(outside.iterdir()) != before:
                escapes["changed outside"] += 1
                break
        assert count.value >= rounds
    return escapes, done
