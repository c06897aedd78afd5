"""A file that takes another's place in one step, and is on the disk when it has."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from platform_localfs._disk import sync_directory
from platform_localfs._temporary import create_temporary
from platform_localfs._vacant import remove_vacant


@contextmanager
def replacement(target: Path, permissions: int | None) -> Iterator[FileIO]:
    """A file to write to; it takes the place of ``target`` when the block ends, and goes when it raises.

    With ``permissions`` None it has those that the umask leaves to a new file.
    """
    temporary, file = create_temporary(target.parent, permissions)
    with file:
        try:
            if permissions is not None:
                os.fchmod(file.fileno(), permissions)
            yield file
            os.fsync(file.fileno())
            remove_vacant(target)
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_directory(target.parent)
