"""Directories without files, which exist on a disk, and do not exist for the interface."""

import os
from collections.abc import Sequence

from platform_interfaces.filesystem import is_temporary_name
from platform_localfs._confined import Confined
from platform_localfs._disk import scan_directory
from platform_localfs._root import Root
from platform_localfs._temporary import remove_abandoned


def has_no_files(root: Root, names: Sequence[str]) -> bool:
    """Return whether it is a directory without files, in it and below."""
    return bool(_find_empty_tree(root, names))


def remove_without_files(root: Root, names: Sequence[str]) -> None:
    """Remove the directory if it has no files; do nothing for anything else.

    Raises:
        OSError: when a file is being written to it.
    """
    tree = _find_empty_tree(root, names)
    if not tree:
        return
    with Confined(root) as here:
        for directory in reversed(tree):
            here.go_to(directory)
            remove_abandoned(here.descriptor)
            *above, name = directory
            here.go_to(above)
            os.rmdir(name, dir_fd=here.descriptor)


def _find_empty_tree(root: Root, names: Sequence[str]) -> list[list[str]]:
    """Return the directory and those below, outermost first; nothing when there is a file in one."""
    directories = [list(names)]
    with Confined(root) as here:
        for directory in directories:  # the loop appends to it
            try:
                here.go_to(directory)
            except (FileNotFoundError, NotADirectoryError):
                if directory is directories[0]:
                    return []
                continue
            with scan_directory(here.descriptor) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        directories.append([*directory, entry.name])
                    elif not is_temporary_name(entry.name):
                        return []
    return directories
