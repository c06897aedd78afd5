"""A file that takes another's place in one step, and is on the disk when it has."""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import FileIO
from pathlib import Path

from platform_localfs._disk import open_to_read, sync_directory

_TEMPORARY = re.compile(r"\.platform-[0-9a-f]{16}\.tmp")


def is_temporary(name: str) -> bool:
    """Whether ``name`` is of the kind that only files being written have."""
    return _TEMPORARY.fullmatch(name) is not None


@contextmanager
def replacement(target: Path, permissions: int | None) -> Iterator[FileIO]:
    """A file to write to; it takes the place of ``target`` when the block ends, and goes when it raises.

    With ``permissions`` None it has those that the umask leaves to a new file.
    """
    temporary, file = _create(target.parent, permissions)
    with file:
        try:
            if permissions is not None:
                os.fchmod(file.fileno(), permissions)
            yield file
            os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_directory(target.parent)


def remove_abandoned(directory: Path) -> None:
    """Remove, as far as possible, the temporary files of killed processes: those that nobody has locked."""
    with suppress(OSError), os.scandir(directory) as entries:
        for path in [Path(entry) for entry in entries if is_temporary(entry.name)]:
            with suppress(OSError), open_to_read(path) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _create(directory: Path, permissions: int | None) -> tuple[Path, FileIO]:
    """A new file, locked, under a name of its own: the target's may be as long as a name can be."""
    mode = 0o666 if permissions is None else permissions
    while True:
        path = directory / f".platform-{secrets.token_hex(8)}.tmp"
        file = FileIO(path, "x", opener=partial(os.open, mode=mode))
        with suppress(OSError):  # where files cannot be locked, nobody removes one that is not, either
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # removed as abandoned, just before it was locked
