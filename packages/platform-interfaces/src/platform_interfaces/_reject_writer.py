"""Storing the rejects of a run, in one step at its end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, suppress
from typing import Self

from platform_interfaces.errors import FileMissingError, FileSystemError
from platform_interfaces.filesystem import FileSystemInterface
from platform_interfaces.rejects import Reject, lines_without, rejects_path, replace_rejects

_BLOCK_BYTES = 1024 * 1024


class RejectWriter:
    """The rejects of the files of one folder, gathered file by file; on disk once they are many.

    Use it in an ``async with`` block, and call ``save`` at its end. What was added for each complete file
    replaces what earlier runs have stored for it, and what they have stored for other files stays. All of it
    is in one file, which is replaced in one step. An exception that leaves the block saves as much as it can.
    """

    def __init__(self, fs: FileSystemInterface, folder: str, run_id: str) -> None:
        self._fs, self._path, self._run_id = fs, rejects_path(folder), run_id
        # Not at the top: it is slow to import, and the interfaces are imported for every `--help`.
        from tempfile import SpooledTemporaryFile

        self._spool = SpooledTemporaryFile(max_size=_BLOCK_BYTES)  # noqa: SIM115 - closed by __aexit__
        self._complete_bytes = 0
        self._complete_files: set[str] = set()
        self._spool_error: OSError | None = None
        self._is_saved = False

    async def __aenter__(self) -> Self:
        """Return itself; nothing is written yet."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Save what was added for complete files, unless ``save`` was called.

        Raises:
            FileSystemError: when it cannot be saved, unless another exception is on its way.
        """
        try:
            await self.save()
        except FileSystemError:
            if kind is None:
                raise
        finally:
            with suppress(OSError):  # what could not be written cannot be written now, either
                self._spool.close()

    def add(self, rejects: Iterable[Reject]) -> None:
        """Add ``rejects``, which come in the order of their lines."""
        self._try(lambda: self._spool.writelines(reject.to_json(self._run_id) for reject in rejects))

    def complete(self, file: str) -> None:
        """Declare what was added since the last ``complete`` or ``discard`` to be all rejects of ``file``."""
        self._complete_bytes = self._spool.tell()
        self._complete_files.add(file)

    def discard(self) -> None:
        """Discard what was added since the last ``complete``."""
        self._try(lambda: (self._spool.seek(self._complete_bytes), self._spool.truncate()))

    def abandon(self) -> None:
        """Leave what earlier runs have stored as it is: nothing is saved any more."""
        self._is_saved = True

    async def save(self) -> None:
        """Store what was added for complete files; a second call does nothing.

        When it fails, what earlier runs have stored is as it was.

        Raises:
            FileSystemError: when it cannot be stored, or could not be gathered in a temporary file; the error
                names the directory.
        """
        if self._is_saved:
            return
        self._is_saved = True
        self.discard()
        if self._spool_error:
            raise FileSystemError(_describe_temporary(self._spool_error)) from self._spool_error
        if self._complete_files:
            async with aclosing(self._content()) as content:
                await replace_rejects(self._fs, self._path, content)

    def _try(self, action: Callable[[], object]) -> None:
        """Act on the temporary file, unless that has failed before: then what was added is not whole."""
        if self._spool_error is None:
            try:
                action()
            except OSError as error:
                self._spool_error = error

    async def _content(self) -> AsyncGenerator[bytes, None]:
        self._spool.seek(0)
        while block := self._spool.read(_BLOCK_BYTES):
            yield block
        with suppress(FileMissingError):
            async with aclosing(lines_without(self._fs, self._path, self._complete_files)) as lines:
                async for line in lines:
                    yield line


def _describe_temporary(error: OSError) -> str:
    from tempfile import gettempdir

    try:
        directory = repr(gettempdir())
    except OSError:  # there is none
        directory = "the directory for temporary files"
    return (
        f"rejected lines are gathered in a temporary file in {directory}, which cannot be written: "
        f"{error.strerror or error}: make room there, or set TMPDIR to a directory that has room"
    )
