"""The calls of the operating system that the file system is made of, with their edges taken off."""

import errno
import os
import stat
from io import FileIO
from pathlib import Path


def resolve(path: Path) -> Path:
    """``path`` with its links followed as far as it exists; what goes in a circle fails when it is used.

    ``Path.resolve`` raises a RuntimeError for a circle, on some versions of Python.
    """
    return Path(os.path.realpath(path))


def is_directory(path: Path) -> bool:
    """Whether ``path`` is a directory, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def open_to_read(path: Path) -> FileIO:
    """The regular file at ``path``.

    Raises:
        OSError: when it is anything else, without having waited for it.
    """
    file = FileIO(path, opener=_open_without_waiting)
    try:
        check_regular(os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


def entries_of(directory: Path) -> list[os.DirEntry[str]]:
    """What is in ``directory``; nothing when it is no directory, or no more."""
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def check_regular(mode: int) -> None:
    """Do nothing for the mode of a regular file.

    Raises:
        OSError: for any other.
    """
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def write_all(file: FileIO, data: bytes | bytearray) -> None:
    """Write all of ``data``; one call may take less of it, at 2 GiB or at the end of the disk."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def make_directories(directory: Path, mode: int = 0o777) -> None:
    """Make ``directory`` and what is missing above it, each durably, with ``mode`` less the umask."""
    missing = []
    while not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    for directory in reversed(missing):
        try:
            directory.mkdir(mode)
        except FileExistsError:
            if not directory.is_dir():  # if it is one, another writer was faster
                raise FileExistsError(errno.EEXIST, f"{directory.name!r} is no directory") from None
        sync_directory(directory.parent)


def sync_directory(directory: Path) -> None:
    """Have the names in ``directory`` survive a crash; ``fsync`` of a file keeps no more than its content."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_without_waiting(path: str, flags: int) -> int:
    # NONBLOCK: a FIFO would wait for its writer. NOFOLLOW: a link that came in after ``resolve``.
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
