"""Files under one root, addressed by relative paths."""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from platform_interfaces.errors import FileMissingError, FileSystemError, InvalidPathError
from platform_interfaces.lifecycle import AsyncResource

# What file systems take at most: https://man7.org/linux/man-pages/man3/limits.h.0p.html (NAME_MAX, PATH_MAX)
MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4095
# A storage writes a file under such a name before it replaces the old one.
_TEMPORARY = re.compile(r"\.platform-[0-9a-f]{16}\.tmp")
_CONTROL, _SURROGATE = re.compile("[\0-\x1f\x7f]"), re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Survey:
    """Everything in a directory and below, whether or not it can be read.

    Attributes:
        files: the paths that ``list`` returns, sorted, less those in ``aliases``.
        aliases: further names of one and the same file, each with the path in ``files`` that it is listed as.
        unusable: the paths of what cannot be read, each with the reason: a link that leaves the root or goes
            in a circle, a name that no path can have, a directory that may not be opened (it ends in ``/``),
            what is neither a file nor a directory. A path that ``check_path`` refuses is shown escaped.
        dangling: the paths of links below the root that lead to nothing, sorted.
        sizes: bytes by path of ``files``, where the storage lists them without a further call; empty where
            it does not. A file may have changed since; two surveys with other sizes are equal.
        versions: a text by path of ``files`` that is another one once the content has changed, where the
            storage lists such a thing; it means nothing else.
    """

    files: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    dangling: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict, compare=False)
    versions: Mapping[str, str] = field(default_factory=dict, compare=False)


class Capability(StrEnum):
    """What a file system may lack; the contract suite has cases for those with it and those without.

    Attributes:
        DIRECTORIES: a path is a file or a directory, never both. Storage of keys and values lacks it: there,
            ``a`` and ``a/b`` may both be files.
        EXACT_DELETES: of several deletes of a file at once, one alone returns True. Storage that deletes a
            key whether or not it exists lacks it: there, several may.
    """

    DIRECTORIES = "directories"
    EXACT_DELETES = "exact_deletes"


class FileSystemInterface(AsyncResource, ABC):
    """A tree of files; directories appear with their first file, go with their last and are never listed.

    Paths are relative, with ``/`` between their parts; see ``check_path``. Every method that takes a path
    raises ``InvalidPathError`` for one that can never name a file here, and ``FileSystemError`` for what
    the storage reports.

    Attributes:
        capabilities: what this file system can do; an adapter that lacks one says so. A job that is to run
            on every file system relies on none.
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability)

    @abstractmethod
    async def read(self, path: str) -> bytes:
        """Return the whole content.

        Raises:
            FileMissingError: when there is no such file; it is a ``FileNotFoundError``, too.
        """

    @abstractmethod
    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        """Write ``data`` to a file, which is created or replaced; directories are made as needed.

        Atomic and durable: a reader, and the disk after a crash, has the old content or the new, never a mix.
        After an error the old content stands, and nothing else is left behind; a cancelled call does not
        go on after its ``CancelledError``. Of several writers of one path, one wins as a whole. With
        ``is_private``, a storage with permissions keeps all but the user from the file and from
        directories made for it.
        """

    @abstractmethod
    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        """Write ``chunks`` like ``write``, in constant memory; return the number of bytes.

        An error raised by ``chunks`` passes through, and the old content stands. Without chunks, the file is
        empty.
        """

    @abstractmethod
    async def list(self, prefix: str) -> list[str]:
        """Return the paths of all files in the directory ``prefix`` and below, sorted; empty without any.

        ``""`` is the whole tree; a trailing ``/`` makes no difference. Files that are still being written,
        and what is not a regular file, do not appear.
        """

    async def survey(self, prefix: str) -> Survey:
        """Return what ``list`` returns, and what it leaves out because it cannot be read.

        One directory or file that cannot be read costs itself only, never the others. The default is for
        storage in which every file that exists can be listed and has one name.
        """
        return Survey(tuple(await self.list(prefix)))

    async def list_names(self, prefix: str) -> tuple[str, ...]:
        """Return the names directly in the directory ``prefix``, sorted; that of a directory ends in ``/``.

        For messages about missing files. The default derives it from ``list``.

        Raises:
            FileMissingError: when there is no such directory; for ``""`` where the root itself is missing.
            FileSystemError: when it is a file, or may not be read.
        """
        directory = check_prefix(prefix)
        start = len(directory) + 1 if directory else 0
        below = [path[start:].partition("/") for path in await self.list(prefix)]
        if directory and not below:
            if await self.exists(directory):
                raise FileSystemError(f"{directory!r} is a file, not a directory")
            raise FileMissingError(f"there is no directory {directory!r}")
        return tuple(sorted({name + slash for name, slash, _ in below}))

    def locate(self, path: str = "") -> str:
        """Return where ``path`` is, as people name it outside the platform: an absolute path, or a URL.

        ``""`` is the root. Asks the storage nothing, never raises and shows no secret.
        """
        return f"{type(self).__name__}:/{path}"

    @abstractmethod
    async def delete(self, path: str) -> bool:
        """Delete a file and return whether there was one; of calls at once, see ``EXACT_DELETES``."""

    @abstractmethod
    async def exists(self, path: str) -> bool:
        """Return whether ``path`` is a file; for a directory, False."""

    @abstractmethod
    async def get_signed_url(self, path: str, expiry: int = 3600) -> str:
        """Return a URL that reads the file, valid for ``expiry`` seconds where the storage can limit it.

        Raises:
            FileMissingError: when there is no such file.
        """

    @abstractmethod
    def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the content in non-empty blocks of the storage's own size, in constant memory.

        A stream that is closed early leaves nothing open. With an ``offset`` it begins at that byte, and what
        comes before is not read; at the end of the file, and behind it, there is nothing to yield.

        Raises:
            FileMissingError: at the first block, when there is no such file.
        """

    @abstractmethod
    async def health_check(self) -> bool:
        """Return whether the root exists, made if need be, and can be written to; never raises."""


def check_path(path: str) -> str:
    """Return ``path`` if it can name a file under a root on every adapter.

    Refused are: empty, ``.`` and ``..`` parts (also harmless ones such as ``a/../b``), absolute paths and
    drives, backslashes, control characters, text that is not valid Unicode, parts of more than 255 bytes,
    paths of more than 4095, and the names of files being written (``is_temporary_name``). Nothing is decoded
    or normalised: ``%2e%2e`` is a name like any other.

    Raises:
        InvalidPathError: when it cannot; says why.
    """
    if reason := _path_problem(path):
        raise InvalidPathError(f"path {path!r} is refused: {reason}")
    return path


def check_prefix(prefix: str) -> str:
    """Return the directory ``prefix`` without its trailing ``/``; ``""`` is the root.

    Raises:
        InvalidPathError: when it is not empty and ``check_path`` refuses it.
    """
    return check_path(prefix.removesuffix("/")) if prefix else prefix


def is_temporary_name(name: str) -> bool:
    """Return whether only a file that is still being written has such a name."""
    return _TEMPORARY.fullmatch(name) is not None


def _path_problem(path: str) -> str | None:
    if not path:
        return "it is empty"
    if "://" in path:
        return "it is a URL, and must be relative to the root of the file system"
    if path.startswith("/") or path[1:2] == ":":
        return "it must be relative to the root"
    if "\\" in path:
        return "parts are separated by '/', not by a backslash"
    if _CONTROL.search(path):
        return "it has a control character"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "no part may be empty, '.' or '..'"
    if _SURROGATE.search(path):
        return "it is not valid Unicode"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"it is longer than {MAX_PATH_BYTES} bytes"
    if any(len(part.encode()) > MAX_NAME_BYTES for part in path.split("/")):
        return f"a part is longer than {MAX_NAME_BYTES} bytes"
    if ".platform-" in path and any(is_temporary_name(part) for part in path.split("/")):
        return "such names are for files being written"
    return None
