"""Calls of the operating system, made safe."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import FileIO
from pathlib import Path

MAX_LINKS = 40  # as many as Linux follows in one path
# O_PATH is enough to go through a directory that may be searched and not read.
DIRECTORY = os.O_DIRECTORY | getattr(os, "O_PATH", os.O_RDONLY)


def open_to_read(directory: int, name: str) -> FileIO:
    """Return the regular file ``name`` in the open ``directory``.

    Raises:
        OSError: when it is anything else, also a link; never waits for a FIFO.
    """
    file = FileIO(name, opener=partial(_open_without_waiting, directory))
    try:
        check_regular(os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


def stat_entry(directory: int, name: str) -> os.stat_result:
    """Return the status of ``name`` in the open ``directory``.

    Raises:
        OSError: with ELOOP for a link, as when a file is opened.
    """
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return status


@contextmanager
def scan_directory(directory: int) -> Iterator[list[os.DirEntry[str]]]:
    """Yield the entries of the open ``directory``; none when it has been removed."""
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=directory)
    try:
        try:
            with os.scandir(descriptor) as entries:
                found = list(entries)
        except FileNotFoundError:
            found = []
        yield found
    finally:
        os.close(descriptor)


def check_regular(mode: int) -> None:
    """Refuse the mode of anything but a regular file.

    Raises:
        OSError: for any other mode.
    """
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def write_all(file: FileIO, data: bytes | bytearray) -> None:
    """Write all of ``data``; one call may take less of it, at 2 GiB or at the end of the disk."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def sync_directory(directory: Path | str, within: int | None = None) -> None:
    """Make the names in ``directory`` durable; ``fsync`` of a file makes only its content durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY, dir_fd=within)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_without_waiting(directory: int, name: str, flags: int) -> int:
    # NONBLOCK: a FIFO would wait for its writer. NOFOLLOW: a link could lead anywhere.
    return os.open(name, flags | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=directory)
