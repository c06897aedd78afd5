"""The files under one root, in blocking calls that raise OSError."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path
from typing import TypeVar

from platform_interfaces import InvalidPathError, Survey, check_path
from platform_interfaces.filesystem import MAX_PATH_BYTES, is_temporary_name
from platform_localfs import _survey
from platform_localfs._confined import Confined
from platform_localfs._disk import check_regular, listed, look_at, open_to_read, write_all
from platform_localfs._made import made_directory
from platform_localfs._replacement import replacement
from platform_localfs._root import Root
from platform_localfs._temporary import create_temporary, remove_abandoned
from platform_localfs._vacant import is_vacant

T = TypeVar("T")
# Each time, another write that failed has removed the directory that it had made; then this one makes it.
MAX_ATTEMPTS = 100


class Tree:
    """What ``LocalFileSystem`` does below one root, for one path at a time and in the thread that calls it.

    Paths are checked by the caller; ``""`` is the root. ``hidden`` is an entry of the root that is left out.
    """

    def __init__(self, root: Root, hidden: str | None = None) -> None:
        self.root = root
        self._hidden = hidden
        self._swept: set[tuple[str, ...]] = set()

    def open(self, path: str) -> FileIO:
        """Open the file, to be read."""
        with Confined(self.root) as here:
            try:
                return here.at(self._split(path), open_to_read)
            except IsADirectoryError:
                if self._is_vacant(path):
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
                raise

    def read(self, path: str) -> bytes:
        """Return the whole content."""
        with self.open(path) as file:
            return file.readall()

    @contextmanager
    def replacing(self, path: str, *, is_private: bool = False) -> Iterator[FileIO]:
        """Yield a file to write to, which is at ``path`` when the block ends, and nowhere when it raises."""
        permissions = self._permissions(path)
        *above, name = self._split(path) or self._refuse_root()
        with ExitStack() as stack:
            for attempt in range(MAX_ATTEMPTS):
                try:
                    file = stack.enter_context(
                        self._replacement(above, name, permissions, is_private=is_private)
                    )
                    break
                except FileNotFoundError:
                    if attempt == MAX_ATTEMPTS - 1:
                        raise
            yield file

    def write(self, path: str, data: bytes, *, is_private: bool) -> None:
        """Put ``data`` at ``path``."""
        with self.replacing(path, is_private=is_private) as file:
            write_all(file, data)

    def list_files(self, prefix: str) -> list[str]:
        """Return the paths of all files in the directory ``prefix`` and below, sorted."""
        names = self._directory(prefix)
        return (
            [] if names is None else _survey.list_files(self.root, self._hidden, names, prefix, self._problem)
        )

    def survey(self, prefix: str) -> Survey:
        """Return the files in the directory ``prefix`` and below, and what cannot be read."""
        names = self._directory(prefix)
        if names is None:
            return Survey(())
        return _survey.survey(self.root, self._hidden, names, prefix, self._problem)

    def list_names(self, prefix: str) -> tuple[str, ...]:
        """Return the names in the directory ``prefix``, but the hidden one."""
        with Confined(self.root) as here:
            here.walk(self._split(prefix))
            with listed(here.descriptor) as entries:
                shown = [entry for entry in entries if not is_temporary_name(entry.name)]
                if not prefix:
                    shown = [entry for entry in shown if entry.name != self._hidden]
                return _survey.list_names(shown)

    def delete(self, path: str) -> bool:
        """Return whether a file was there to be deleted."""
        if self._permissions(path) is None:
            return False
        *above, name = self._split(path)
        try:
            with Confined(self.root) as here:
                here.walk(above)
                os.unlink(name, dir_fd=here.descriptor)
        except FileNotFoundError:
            return False
        return True

    def exists(self, path: str) -> bool:
        """Return whether ``path`` is a file."""
        mode = self._mode(path)
        return mode is not None and stat.S_ISREG(mode)

    def url(self, path: str) -> str:
        """Return the ``file://`` URL of the file."""
        with Confined(self.root) as here:
            names = here.at(self._split(path), lambda directory, name: (name, look_at(directory, name)))
            mode, place = names[1].st_mode, [*here.names, names[0]]
        if stat.S_ISDIR(mode) and is_vacant(self.root, place):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        check_regular(mode)
        return self.root.path.joinpath(*place).as_uri()

    def probe(self) -> None:
        """Make the root if it is not there, and write a file to it that goes at once."""
        self.root.make(list[Path]())
        with Confined(self.root) as here:
            name, file = create_temporary(here.descriptor, None)
            with file:
                os.unlink(name, dir_fd=here.descriptor)
                file.write(b"x")

    @contextmanager
    def _replacement(
        self, above: list[str], name: str, permissions: int | None, *, is_private: bool
    ) -> Iterator[FileIO]:
        with made_directory(self.root, above, 0o700 if is_private else 0o777) as here:
            if tuple(here.names) not in self._swept:
                remove_abandoned(here.descriptor)
                self._swept.add(tuple(here.names))
            with replacement(self.root, here, name, 0o600 if is_private else permissions) as file:
                yield file

    def _permissions(self, path: str) -> int | None:
        """Return those of the file, None where nothing is."""
        mode = self._mode(path)
        if mode is None:
            return None
        check_regular(mode)
        return stat.S_IMODE(mode)

    def _mode(self, path: str) -> int | None:
        try:
            with Confined(self.root) as here:
                mode = here.at(self._split(path), look_at).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if stat.S_ISDIR(mode) and self._is_vacant(path) else mode

    def _is_vacant(self, path: str) -> bool:
        names = self._directory(path)
        return names is None or is_vacant(self.root, names)

    def _directory(self, prefix: str) -> tuple[str, ...] | None:
        """Return the names of the directory without links; None when there is none."""
        try:
            with Confined(self.root) as here:
                here.walk(self._split(prefix))
                return tuple(here.names)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _split(self, path: str) -> list[str]:
        """Return the names that ``path`` consists of.

        Raises:
            OSError: when no other program could open it by its name.
        """
        if len(os.fsencode(self.root.path)) + 1 + len(path.encode()) > MAX_PATH_BYTES:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return path.split("/") if path else []

    def _problem(self, path: str) -> str | None:
        """Return why no caller could ask for ``path``; files on a disk may have any name."""
        try:
            self._split(check_path(path))
        except InvalidPathError as error:
            return str(error).rpartition(" is refused: ")[2]
        except OSError as error:
            return error.strerror
        return None

    def _refuse_root(self) -> list[str]:
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
