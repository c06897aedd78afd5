"""The files that writes go to before they take their place."""

import fcntl
import os
import re
import secrets
from contextlib import suppress
from functools import partial
from io import FileIO
from pathlib import Path

from platform_localfs._disk import open_to_read

_TEMPORARY = re.compile(r"\.platform-[0-9a-f]{16}\.tmp")


def is_temporary(name: str) -> bool:
    """Whether ``name`` is of the kind that only files being written have."""
    return _TEMPORARY.fullmatch(name) is not None


def create_temporary(directory: Path, permissions: int | None) -> tuple[Path, FileIO]:
    """A new file, locked, under a name of its own: the target's may be as long as a name can be."""
    mode = 0o666 if permissions is None else permissions
    while True:
        path = directory / f".platform-{secrets.token_hex(8)}.tmp"
        file = FileIO(path, "x", opener=partial(os.open, mode=mode))
        try:
            with suppress(OSError):  # where files cannot be locked, nobody removes one that is not, either
                fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink:
                return path, file
        except BaseException:
            with suppress(OSError):
                path.unlink()
            file.close()
            raise
        file.close()  # removed as abandoned, just before it was locked


def remove_abandoned(directory: Path) -> None:
    """Remove, as far as possible, the temporary files of killed processes: those that nobody has locked."""
    with suppress(OSError), os.scandir(directory) as entries:
        for path in [Path(entry) for entry in entries if is_temporary(entry.name)]:
            with suppress(OSError), open_to_read(path) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
