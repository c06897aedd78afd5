"""Directories that a write makes for its file, and removes again when it fails."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from platform_localfs._confined import Confined
from platform_localfs._disk import sync_directory
from platform_localfs._root import Root


@contextmanager
def make_directory(root: Root, names: Sequence[str], mode: int) -> Iterator[Confined]:
    """Make the directory and its missing parents durably, and yield it; on an error, remove those made."""
    roots = list[Path]()
    try:
        root.make(roots)
        with Confined(root) as here:
            made = list[list[str]]()
            try:
                _make(here, names, mode, made)
                yield here
            except BaseException:
                _remove(here, made)
                raise
    except BaseException:
        with suppress(OSError):  # ends at the first that is not empty
            for directory in reversed(roots):
                directory.rmdir()
        raise


def _make(here: Confined, names: Sequence[str], mode: int, made: list[list[str]]) -> None:
    pending = list(reversed(names))
    while pending:
        name = pending.pop()
        try:
            pending += here.step(name)
        except FileNotFoundError:
            with suppress(FileExistsError):  # another writer was faster
                os.mkdir(name, mode, dir_fd=here.descriptor)
                made.append([*here.names, name])
            sync_directory(".", here.descriptor)
            pending.append(name)
        except NotADirectoryError:
            raise FileExistsError(errno.EEXIST, f"{name!r} is not a directory") from None


def _remove(here: Confined, made: list[list[str]]) -> None:
    with suppress(OSError):  # ends at the first that is not empty
        for *above, name in reversed(made):
            here.go_to(above)
            os.rmdir(name, dir_fd=here.descriptor)
