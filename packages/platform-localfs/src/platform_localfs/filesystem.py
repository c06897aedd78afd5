"""``FileSystemInterface`` on local disk."""

import errno
import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from platform_interfaces import (
    ConfigurationError,
    FileChangedError,
    FileMissingError,
    FileSystemError,
    FileSystemInterface,
    InvalidPathError,
    SecretsInterface,
)
from platform_localfs._disk import write_all
from platform_localfs._reader import BLOCK_BYTES, Reader
from platform_localfs._threads import run_to_end
from platform_localfs._tree import Tree

# A stream is opened, and read when it has no more than that, where it is asked for: a thread takes longer to
# have its turn than a disk to answer, and a day may have many small files.
SMALL_BYTES = 64 * 1024
_KINDS: dict[int | None, type[FileSystemError]] = {
    errno.ENOENT: FileMissingError,
    errno.ENOTDIR: FileMissingError,
    errno.ENAMETOOLONG: InvalidPathError,
    errno.ELOOP: InvalidPathError,
}

T = TypeVar("T")


class LocalFileSystem(FileSystemInterface):
    """The files under ``FS_LOCAL_ROOT`` (default ``/tmp/data-platform``), on POSIX systems.

    Symbolic links are followed as long as they stay under the root; a path with one that leaves it is
    refused. ``write`` and ``delete`` act on the link itself, never on what it leads to. What is neither
    a file nor a directory is left alone.

    A new file has the permissions that the umask gives, a replaced one keeps its own, unless it is private.
    Directories without files stay on the disk; they count as not there, and make room for a file. When a
    write fails at its very last step, which makes the new name durable, the new content is in place.

    A cancelled call has come to its end, one way or the other, when its ``CancelledError`` is raised.

    Raises:
        ConfigurationError: when ``FS_LOCAL_ROOT`` is empty or no path.
    """

    def __init__(self, secrets: SecretsInterface) -> None:
        root = secrets.get_location("FS_LOCAL_ROOT", "/tmp/data-platform")  # noqa: S108 - as specified
        if not root or "\0" in root:
            raise ConfigurationError(f"FS_LOCAL_ROOT is {root!r}: give it a directory, or do not set it")
        self._root = Path(root).absolute()
        self._tree = Tree(self._root)

    async def read(self, path: str) -> bytes:
        return await self._run("read", path, self._tree.read, path)

    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        """Put it there; a private file has the mode 0600, a directory made for it 0700."""
        await self._run("write", path, partial(self._tree.write, path, data, is_private=is_private))

    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        """The number of bytes; what is private is as in ``write``."""
        size, buffer = 0, bytearray()
        replacing = partial(self._tree.replacing, is_private=is_private)
        async with self._entered("write", path, replacing) as file:
            async for chunk in chunks:
                buffer += chunk
                if len(buffer) >= BLOCK_BYTES:
                    await self._run("write", path, write_all, file, buffer)
                    size, buffer = size + len(buffer), bytearray()
            await self._run("write", path, write_all, file, buffer)
        return size + len(buffer)

    async def list(self, prefix: str) -> list[str]:
        """The paths of all files; left out are links that leave the root, and names that no path can have."""
        return await self._run("list", prefix, self._tree.list, prefix)

    async def delete(self, path: str) -> bool:
        return await self._run("delete", path, self._tree.delete, path)

    async def exists(self, path: str) -> bool:
        return await self._run("look at", path, self._tree.exists, path)

    async def get_signed_url(self, path: str, expiry: int = 3600) -> str:
        """A ``file://`` URL; it has no end, whatever ``expiry`` says."""
        return await self._run("look at", path, self._tree.url, path)

    async def stream(self, path: str) -> AsyncGenerator[bytes, None]:
        """The content in blocks of 1 MiB; a file that is changed before all of it was read raises at its end.

        Raises:
            FileSystemError: when somebody wrote to the file itself; one that was replaced is read as it was.
        """
        with self._translated("read", path):
            reader = Reader(self._tree.open(path))
        try:
            while not reader.is_at_end:
                if reader.size <= SMALL_BYTES:
                    with self._translated("read", path):
                        block = reader.read()
                else:
                    block = await self._run("read", path, reader.read)
                if block:
                    yield block
        finally:
            reader.close()
        if reader.is_changed:
            raise FileChangedError(f"{path!r} was changed while it was read: read it again")

    def locate(self, path: str = "") -> str:
        return str(self._root / path)

    async def health_check(self) -> bool:
        """Whether the root is there, made if need be, and a file can be written to it."""
        try:
            await run_to_end(self._tree.probe)
        except OSError:
            return False
        return True

    @asynccontextmanager
    async def _entered(
        self, action: str, path: str, make: Callable[[str], AbstractContextManager[T]]
    ) -> AsyncIterator[T]:
        """What ``make(path)`` manages; made, entered and left in a thread."""
        stack = ExitStack()
        try:
            yield await self._run(action, path, lambda: stack.enter_context(make(path)))
        except BaseException:
            await self._run(action, path, stack.__exit__, *sys.exc_info())
            raise
        await self._run(action, path, stack.close)

    async def _run(self, action: str, path: str, function: Callable[..., T], *args: object) -> T:
        """``function(*args)`` in a thread."""
        with self._translated(action, path):
            return await run_to_end(function, *args)

    @contextmanager
    def _translated(self, action: str, path: str) -> Iterator[None]:
        """A block in which what the system reports is told as an error of ours."""
        try:
            yield
        except OSError as error:
            kind = _KINDS.get(error.errno, FileSystemError)
            reason = error.strerror or str(error)
            raise kind(f"cannot {action} {path!r} under {str(self._root)!r}: {reason}") from error
