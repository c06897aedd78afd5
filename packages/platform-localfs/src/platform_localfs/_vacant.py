"""Directories without files: they stay on a disk, but for the interface there are none."""

from pathlib import Path

from platform_localfs._disk import entries_of, is_directory
from platform_localfs._temporary import is_temporary, remove_abandoned


def is_vacant(place: Path) -> bool:
    """Whether ``place`` is a directory in which no file could ever have been seen."""
    return bool(_vacant_tree(place))


def remove_vacant(place: Path) -> None:
    """Remove the directory ``place`` if it is vacant; do nothing for anything else.

    Raises:
        OSError: when something is being written to it.
    """
    for directory in reversed(_vacant_tree(place)):
        remove_abandoned(directory)
        directory.rmdir()


def _vacant_tree(place: Path) -> list[Path]:
    """``place`` and all directories below, outermost first; none when it is no directory, or holds more."""
    if not is_directory(place):
        return []
    directories = [place]
    for directory in directories:  # which grows meanwhile
        for entry in entries_of(directory):
            if entry.is_dir(follow_symlinks=False):
                directories.append(Path(entry))
            elif not is_temporary(entry.name):
                return []
    return directories
