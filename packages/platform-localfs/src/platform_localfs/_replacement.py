"""Atomic, durable replacement of a file."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO

from platform_localfs._confined import Confined
from platform_localfs._disk import sync_directory
from platform_localfs._empty_directories import remove_without_files
from platform_localfs._root import Root
from platform_localfs._temporary import create_temporary


@contextmanager
def open_replacement(root: Root, parent: Confined, name: str, permissions: int | None) -> Iterator[FileIO]:
    """Yield a file that replaces ``name`` in ``parent`` when the block ends, and is removed when it raises.

    With ``permissions`` None it has those that the umask gives to a new file.
    """
    directory = parent.descriptor
    temporary, file = create_temporary(directory, permissions)
    with file:
        try:
            if permissions is not None:
                os.fchmod(file.fileno(), permissions)
            yield file
            os.fsync(file.fileno())
            if _is_directory(directory, name):
                remove_without_files(root, [*parent.names, name])
            os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=directory)
            raise
        sync_directory(".", directory)


def _is_directory(directory: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False
