"""Temporary files: written first, then renamed to their target."""

import fcntl
import os
import secrets
from contextlib import suppress
from functools import partial
from io import FileIO

from platform_interfaces.filesystem import is_temporary_name
from platform_localfs._disk import open_to_read, scan_directory


def create_temporary(directory: int, permissions: int | None) -> tuple[str, FileIO]:
    """Create a locked file under a random name, for the target's name may leave no room for a suffix."""
    mode = 0o666 if permissions is None else permissions
    while True:
        name = f".platform-{secrets.token_hex(8)}.tmp"
        file = FileIO(name, "x", opener=partial(os.open, mode=mode, dir_fd=directory))
        try:
            with suppress(OSError):  # where files cannot be locked, none is removed as abandoned
                fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink:
                return name, file
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=directory)
            file.close()
            raise
        file.close()  # removed as abandoned, just before it was locked


def remove_abandoned(directory: int) -> None:
    """Remove, as far as possible, the temporary files of killed processes: those without a lock."""
    with suppress(OSError), scan_directory(directory) as entries:
        for name in [entry.name for entry in entries if is_temporary_name(entry.name)]:
            with suppress(OSError), open_to_read(directory, name) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=directory)
