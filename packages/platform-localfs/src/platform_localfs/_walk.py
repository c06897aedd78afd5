"""All files below a directory."""

import os
from collections.abc import Iterator
from pathlib import Path

from platform_interfaces import InvalidPathError, check_path
from platform_localfs._disk import resolve
from platform_localfs._replacement import is_temporary


def walk(root: Path, top: Path, prefix: str) -> Iterator[str]:
    """The paths of the files in ``top``, which is ``prefix`` under ``root``, and below; in no order.

    Links are followed where they stay under the root, but never back to a directory on the way to them.
    """
    pending = [(top, prefix, frozenset({top}))]
    while pending:
        directory, prefix, above = pending.pop()
        for entry in _entries(directory):
            path = f"{prefix}/{entry.name}" if prefix else entry.name
            place = resolve(Path(entry)) if entry.is_symlink() else entry
            if isinstance(place, Path) and not place.is_relative_to(root):
                continue
            if place.is_dir():
                below = Path(place)
                if below not in above:
                    pending.append((below, path, above | {below}))
            elif place.is_file() and _can_be_named(path):
                yield path


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):  # it is no directory, or no more
        return []


def _can_be_named(path: str) -> bool:
    """Whether a caller could ask for ``path``; a file on disk may have a name that no path can have."""
    try:
        check_path(path)
    except InvalidPathError:
        return False
    return not is_temporary(path.rpartition("/")[2])
