"""Directories without files: they stay on a disk, but for the interface there are none."""

import os
from collections.abc import Sequence

from platform_interfaces.filesystem import is_temporary_name
from platform_localfs._confined import Confined
from platform_localfs._disk import listed
from platform_localfs._root import Root
from platform_localfs._temporary import remove_abandoned


def is_vacant(root: Root, names: Sequence[str]) -> bool:
    """Return whether it is a directory in which no file could ever have been seen."""
    return bool(_vacant_tree(root, names))


def remove_vacant(root: Root, names: Sequence[str]) -> None:
    """Remove the directory if it is vacant; do nothing for anything else.

    Raises:
        OSError: when something is being written to it.
    """
    tree = _vacant_tree(root, names)
    if not tree:
        return
    with Confined(root) as here:
        for directory in reversed(tree):
            here.go_to(directory)
            remove_abandoned(here.descriptor)
            *above, name = directory
            here.go_to(above)
            os.rmdir(name, dir_fd=here.descriptor)


def _vacant_tree(root: Root, names: Sequence[str]) -> list[list[str]]:
    """Return the directory and all below, outermost first; nothing when it holds more, or is no directory."""
    directories = [list(names)]
    with Confined(root) as here:
        for directory in directories:  # which grows meanwhile
            try:
                here.go_to(directory)
            except (FileNotFoundError, NotADirectoryError):
                if directory is directories[0]:
                    return []
                continue
            with listed(here.descriptor) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        directories.append([*directory, entry.name])
                    elif not is_temporary_name(entry.name):
                        return []
    return directories
