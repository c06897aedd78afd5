"""Files under one root, addressed by relative paths."""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable

from platform_interfaces.errors import InvalidPathError

# What file systems take at most: https://man7.org/linux/man-pages/man3/limits.h.0p.html (NAME_MAX, PATH_MAX)
MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4095
_CONTROL, _SURROGATE = re.compile("[\0-\x1f\x7f]"), re.compile("[\ud800-\udfff]")


class FileSystemInterface(ABC):
    """A tree of files; directories appear with their first file, go with their last and are never listed.

    Paths are relative, with ``/`` between their parts; see ``check_path``. Every method that takes a path
    raises ``InvalidPathError`` for one that can never name a file here, and ``FileSystemError`` for what
    the storage reports.
    """

    @abstractmethod
    async def read(self, path: str) -> bytes:
        """The whole content.

        Raises:
            FileMissingError: when there is no such file; it is a ``FileNotFoundError``, too.
        """

    @abstractmethod
    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        """Put ``data`` there, replacing what was there; directories are made as needed.

        Atomic and durable: a reader, and the disk after a crash, has the old content or the new, never a mix.
        After an error the old content stands, and nothing else is left behind. With ``is_private``, a storage
        with permissions keeps all but the user from the file and from directories made for it.
        """

    @abstractmethod
    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        """The number of bytes put there; like ``write``, in constant memory.

        An error raised by ``chunks`` passes through, and the old content stands.
        """

    @abstractmethod
    async def list(self, prefix: str) -> list[str]:
        """The paths of all files in the directory ``prefix`` and below, sorted; empty when there is none.

        ``""`` is the whole tree; a trailing ``/`` makes no difference. Files that are still being written,
        and what is no regular file, do not appear.
        """

    @abstractmethod
    async def delete(self, path: str) -> bool:
        """Whether a file was there to be deleted; a missing one is no error."""

    @abstractmethod
    async def exists(self, path: str) -> bool:
        """Whether ``path`` is a file (a directory is none)."""

    @abstractmethod
    async def get_signed_url(self, path: str, expiry: int = 3600) -> str:
        """A URL that reads the file, valid for ``expiry`` seconds where the storage can limit it.

        Raises:
            FileMissingError: when there is no such file.
        """

    @abstractmethod
    def stream(self, path: str) -> AsyncGenerator[bytes, None]:
        """The content in non-empty blocks of the storage's own size, in constant memory.

        Raises:
            FileMissingError: at the first block, when there is no such file.
        """

    @abstractmethod
    async def health_check(self) -> bool:
        """Whether the root is there and can be written to, made if need be; never raises."""


def check_path(path: str) -> str:
    """``path`` itself, if it can name a file under a root on every implementation.

    Refused are: empty, ``.`` and ``..`` parts (also harmless ones such as ``a/../b``), absolute paths and
    drives, backslashes, control characters, text that is no valid Unicode, parts of more than 255 bytes and
    paths of more than 4095. Nothing is decoded or normalised: ``%2e%2e`` is a name like any other.

    Raises:
        InvalidPathError: when it cannot.
    """
    if reason := _path_problem(path):
        raise InvalidPathError(f"path {path!r} is refused: {reason}")
    return path


def check_prefix(prefix: str) -> str:
    """The directory ``prefix`` without its trailing ``/``; ``""`` is the root.

    Raises:
        InvalidPathError: when it is not empty and ``check_path`` refuses it.
    """
    return check_path(prefix.removesuffix("/")) if prefix else prefix


def _path_problem(path: str) -> str | None:
    if not path:
        return "it is empty"
    if path.startswith("/") or path[1:2] == ":":
        return "it must be relative to the root"
    if "\\" in path:
        return "parts are separated by '/', not by a backslash"
    if _CONTROL.search(path):
        return "it has a control character"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "no part may be empty, '.' or '..'"
    if _SURROGATE.search(path):
        return "it is no valid Unicode"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"it is longer than {MAX_PATH_BYTES} bytes"
    if any(len(part.encode()) > MAX_NAME_BYTES for part in path.split("/")):
        return f"a part is longer than {MAX_NAME_BYTES} bytes"
    return None
