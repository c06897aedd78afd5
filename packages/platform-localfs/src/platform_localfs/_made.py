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
def made_directory(root: Root, names: Sequence[str], mode: int) -> Iterator[Confined]:
    """Yield the directory, made durably with what is missing above it; on an error, remove what was made."""
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
        with suppress(OSError):  # the first that holds something ends it
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
            raise FileExistsError(errno.EEXIST, f"{name!r} is no directory") from None


def _remove(here: Confined, made: list[list[str]]) -> None:
    with suppress(OSError):  # the first that holds something ends it
        for *above, name in reversed(made):
            here.go_to(above)
            os.rmdir(name, dir_fd=here.descriptor)
