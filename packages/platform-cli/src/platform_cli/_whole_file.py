"""Files that are written whole, or not at all."""

import os
from pathlib import Path

from platform_interfaces import PlatformError


def write_whole_file(path: Path, text: str) -> int:
    """Write ``text`` in UTF-8, and return how many bytes it has; a file that exists is replaced at the end.

    Raises:
        PlatformError: when it cannot be written; what was there before is there still.
    """
    content = text.encode()
    try:
        if path.exists() and not path.is_file():  # a pipe or a device has nothing to replace
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content)  # where it is a link, what it points to
    except OSError as error:
        raise PlatformError(f"{str(path)!r} cannot be written: {error.strerror}") from error
    return len(content)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{os.urandom(8).hex()}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
