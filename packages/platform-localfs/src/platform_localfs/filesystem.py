"""``FileSystemInterface`` on local disk."""

import errno
import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import TypeVar

from platform_interfaces import (
    Check,
    FileChangedError,
    FileMissingError,
    FileSystemError,
    FileSystemInterface,
    Finding,
    InvalidPathError,
    SecretsInterface,
    Survey,
    check_free_space,
    check_path,
    check_prefix,
)
from platform_localfs._confined import LeavesRootError
from platform_localfs._disk import write_all
from platform_localfs._mounts import Mounts
from platform_localfs._reader import BLOCK_BYTES, Reader
from platform_localfs._root import Root, RootError, RootMissingError
from platform_localfs._threads import run_to_end
from platform_localfs._tree import Tree

# A stream is opened, and a file of this size read, without a thread: starting one takes longer than the disk
# takes to answer, and a day may have many small files.
MAX_INLINE_BYTES = 64 * 1024
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
    a file nor a directory is left alone. Directories and links that are exchanged during a call do not
    lead it out of the root.

    With ``FS_LOCAL_REJECTS_ROOT``, all paths below ``rejected/`` are in that directory, and a ``rejected/``
    below the root is not seen. Neither directory is used where any user could have made it or a link on the
    way to it: in a folder that everybody can write to, its owner must be this user, root or the folder's.

    A new file has the permissions that the umask gives, a replaced one keeps its own, unless it is private.
    Directories without files stay on the disk after a delete; for callers they do not exist, and a file may
    replace them. A write that fails removes the directories that it made; when its last step fails, which
    makes the new name durable, the file has its new content.

    A cancelled call has ended when its ``CancelledError`` is raised.

    Raises:
        ConfigurationError: when one of the settings is not a valid directory.
    """

    def __init__(self, secrets: SecretsInterface) -> None:
        """Open nothing; the root is made with the first write."""
        self._mounts = Mounts(secrets)

    async def read(self, path: str) -> bytes:
        return await self._run("read", path, Tree.read)

    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        """Write the file; a private one has the mode 0600, a directory made for it 0700."""
        await self._run("write", path, partial(Tree.write, data=data, is_private=is_private))

    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        """Write the file and return its bytes; ``is_private`` is as in ``write``."""
        size, buffer = 0, bytearray()
        replace = partial(Tree.open_replacement, is_private=is_private)
        async with self._enter("write", path, replace) as file:
            async for chunk in chunks:
                buffer += chunk
                if len(buffer) >= BLOCK_BYTES:
                    await self._call("write", path, write_all, file, buffer)
                    size, buffer = size + len(buffer), bytearray()
            await self._call("write", path, write_all, file, buffer)
        return size + len(buffer)

    async def list(self, prefix: str) -> list[str]:
        """Return the paths of all files, without links that leave the root and names that are not valid.

        Where links in linked directories lead to one directory several times, its files are listed once.
        """
        return await self._call("list", prefix, self._mounts.list_files, check_prefix(prefix))

    async def survey(self, prefix: str) -> Survey:
        """Return the files and problems; a file that links lead to is listed by its path without links."""
        return await self._call("list", prefix, self._mounts.survey, check_prefix(prefix))

    async def list_names(self, prefix: str) -> tuple[str, ...]:
        """Return the names; a directory without files is listed, too."""
        return await self._call("list", prefix, self._list_names, check_prefix(prefix))

    async def delete(self, path: str) -> bool:
        return await self._run("delete", path, Tree.delete)

    async def exists(self, path: str) -> bool:
        return await self._run("look at", path, Tree.exists)

    async def get_signed_url(self, path: str, expiry: int = 3600) -> str:
        """Return a ``file://`` URL, which does not expire, whatever ``expiry`` is."""
        return await self._run("look at", path, Tree.url)

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the content in blocks of 1 MiB; raise at the end when the file was changed while it was read.

        Raises:
            FileSystemError: when the file itself was written to; a replaced file is read as it was.
        """
        check_path(path)
        with self._translate_errors("read", path):
            tree, below = self._mounts.find(path)
            reader = Reader(tree.open(below), offset)
        try:
            while not reader.is_at_end:
                if reader.size <= MAX_INLINE_BYTES:
                    with self._translate_errors("read", path):
                        block = reader.read()
                else:
                    block = await self._call("read", path, reader.read)
                if block:
                    yield block
        finally:
            reader.close()
        if reader.is_changed:
            raise FileChangedError(f"{path!r} was changed while it was read: read it again")

    def locate(self, path: str = "") -> str:
        tree, below = self._mounts.find(path)
        return str(tree.root.path / below)

    async def health_check(self) -> bool:
        """Return whether the roots of files and rejects can be written to; they are made if need be."""
        try:
            for tree in self._mounts.trees:
                await run_to_end(tree.probe)
        except OSError:
            return False
        return True

    def list_checks(self) -> Sequence[Check]:
        """Return a check of the free space for files, and one for rejects where these have another root."""
        names = ("disk of files", "disk of rejects")
        return [
            Check(name, partial(self._check_disk, tree.root))
            for name, tree in zip(names, self._mounts.trees, strict=False)
        ]

    async def _check_disk(self, root: Root) -> Finding:
        return await run_to_end(check_free_space, str(root.path), root.setting)

    def _list_names(self, prefix: str) -> tuple[str, ...]:
        try:
            return self._mounts.list_names(prefix)
        except NotADirectoryError as error:
            if isinstance(error, RootError):
                raise FileSystemError(error.strerror) from error
            if self._mounts.is_file(prefix):
                raise FileSystemError(f"{self.locate(prefix)!r} is a file, not a directory") from error
            raise
        except FileNotFoundError as error:
            if isinstance(error, RootError):
                raise
            raise FileMissingError(f"the directory {self.locate(prefix)!r} does not exist") from error

    @asynccontextmanager
    async def _enter(
        self, action: str, path: str, make: Callable[[Tree, str], AbstractContextManager[T]]
    ) -> AsyncIterator[T]:
        """Enter and leave the context manager ``make(tree, path)`` in a thread; yield what it yields."""
        stack = ExitStack()
        try:
            yield await self._run(action, path, lambda tree, below: stack.enter_context(make(tree, below)))
        except BaseException:
            await self._call(action, path, stack.__exit__, *sys.exc_info())
            raise
        await self._call(action, path, stack.close)

    async def _run(self, action: str, path: str, function: Callable[[Tree, str], T]) -> T:
        """Return ``function(tree, path below its root)``, run in a thread."""
        tree, below = self._mounts.find(check_path(path))
        return await self._call(action, path, function, tree, below)

    async def _call(self, action: str, path: str, function: Callable[..., T], *args: object) -> T:
        """Return ``function(*args)``, run in a thread."""
        with self._translate_errors(action, path):
            return await run_to_end(function, *args)

    @contextmanager
    def _translate_errors(self, action: str, path: str) -> Iterator[None]:
        """Translate the errors of the system in the block."""
        try:
            yield
        except FileSystemError:  # translated already; one of them is an OSError
            raise
        except LeavesRootError as error:
            raise InvalidPathError(f"path {path!r} is refused: {error.strerror}") from error
        except OSError as error:
            kind = (
                FileMissingError
                if isinstance(error, RootMissingError)
                else _KINDS.get(error.errno, FileSystemError)
            )
            reason = error.strerror or str(error)
            if isinstance(error, RootError):
                asked = "" if action == "list" else f"cannot {action} {path!r}: "
                raise kind(asked + reason) from error
            reason += self._mounts.advise(action, path, error)
            root = self._mounts.find(path)[0].root
            raise kind(f"cannot {action} {path!r} under {str(root.path)!r}: {reason}") from error
