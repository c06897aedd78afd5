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
from platform_localfs._directories import make_directory
from platform_localfs._disk import check_regular, open_to_read, scan_directory, stat_entry, write_all
from platform_localfs._empty_directories import has_no_files
from platform_localfs._replacement import open_replacement
from platform_localfs._root import Root
from platform_localfs._temporary import create_temporary, remove_abandoned

T = TypeVar("T")
# One attempt fails when another write, which failed, removes a directory that it had made.
MAX_ATTEMPTS = 100


class Tree:
    """The files below one root; its calls block and raise OSError.

    The caller checks paths; ``""`` is the root. ``hidden`` is an entry of the root that is not listed.
    """

    def __init__(self, root: Root, hidden: str | None = None) -> None:
        self.root = root
        self._hidden = hidden
        self._swept: set[tuple[str, ...]] = set()

    def open(self, path: str) -> FileIO:
        """Open the file for reading."""
        with Confined(self.root) as here:
            try:
                return here.call_at(self._split(path), open_to_read)
            except IsADirectoryError:
                if self._has_no_files(path):
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
                raise

    def read(self, path: str) -> bytes:
        """Return the whole content."""
        with self.open(path) as file:
            return file.readall()

    @contextmanager
    def open_replacement(self, path: str, *, is_private: bool = False) -> Iterator[FileIO]:
        """Yield a file to write to, which replaces ``path`` when the block ends, unless the block raises."""
        permissions = self._read_permissions(path)
        *above, name = self._split(path) or self._refuse_root()
        with ExitStack() as stack:
            for attempt in range(MAX_ATTEMPTS):
                try:
                    file = stack.enter_context(
                        self._try_replacement(above, name, permissions, is_private=is_private)
                    )
                    break
                except FileNotFoundError:
                    if attempt == MAX_ATTEMPTS - 1:
                        raise
            yield file

    def write(self, path: str, data: bytes, *, is_private: bool) -> None:
        """Write ``data`` to ``path``."""
        with self.open_replacement(path, is_private=is_private) as file:
            write_all(file, data)

    def list_files(self, prefix: str) -> list[str]:
        """Return the paths of all files in the directory ``prefix`` and below, sorted."""
        names = self._resolve_directory(prefix)
        if names is None:
            return []
        return _survey.list_files(self.root, self._hidden, names, prefix, self._find_problem)

    def survey(self, prefix: str) -> Survey:
        """Return the files in the directory ``prefix`` and below, and the entries that cannot be read."""
        names = self._resolve_directory(prefix)
        if names is None:
            return Survey(())
        return _survey.survey(self.root, self._hidden, names, prefix, self._find_problem)

    def list_names(self, prefix: str) -> tuple[str, ...]:
        """Return the names in the directory ``prefix``, except the hidden one."""
        with Confined(self.root) as here:
            here.walk(self._split(prefix))
            with scan_directory(here.descriptor) as entries:
                shown = [entry for entry in entries if not is_temporary_name(entry.name)]
                if not prefix:
                    shown = [entry for entry in shown if entry.name != self._hidden]
                return _survey.list_names(shown)

    def delete(self, path: str) -> bool:
        """Delete the file; return whether there was one."""
        if self._read_permissions(path) is None:
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
        mode = self._read_mode(path)
        return mode is not None and stat.S_ISREG(mode)

    def url(self, path: str) -> str:
        """Return the ``file://`` URL of the file."""
        with Confined(self.root) as here:
            name, status = here.call_at(self._split(path), lambda *entry: (entry[1], stat_entry(*entry)))
            mode, real_names = status.st_mode, [*here.names, name]
        if stat.S_ISDIR(mode) and has_no_files(self.root, real_names):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        check_regular(mode)
        return self.root.path.joinpath(*real_names).as_uri()

    def probe(self) -> None:
        """Make the root if it is missing; write a file to it and remove it."""
        self.root.make(list[Path]())
        with Confined(self.root) as here:
            name, file = create_temporary(here.descriptor, None)
            with file:
                os.unlink(name, dir_fd=here.descriptor)
                file.write(b"x")

    @contextmanager
    def _try_replacement(
        self, above: list[str], name: str, permissions: int | None, *, is_private: bool
    ) -> Iterator[FileIO]:
        with make_directory(self.root, above, 0o700 if is_private else 0o777) as here:
            if tuple(here.names) not in self._swept:
                remove_abandoned(here.descriptor)
                self._swept.add(tuple(here.names))
            with open_replacement(self.root, here, name, 0o600 if is_private else permissions) as file:
                yield file

    def _read_permissions(self, path: str) -> int | None:
        """Return the permissions of the file; None where there is none."""
        mode = self._read_mode(path)
        if mode is None:
            return None
        check_regular(mode)
        return stat.S_IMODE(mode)

    def _read_mode(self, path: str) -> int | None:
        try:
            with Confined(self.root) as here:
                mode = here.call_at(self._split(path), stat_entry).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if stat.S_ISDIR(mode) and self._has_no_files(path) else mode

    def _has_no_files(self, path: str) -> bool:
        names = self._resolve_directory(path)
        return names is None or has_no_files(self.root, names)

    def _resolve_directory(self, prefix: str) -> tuple[str, ...] | None:
        """Return the names that lead to the directory without links; None when it does not exist."""
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

    def _find_problem(self, path: str) -> str | None:
        """Return why ``path`` is not a valid path, or None; files on a disk may have any name."""
        try:
            self._split(check_path(path))
        except InvalidPathError as error:
            return str(error).rpartition(" is refused: ")[2]
        except OSError as error:
            return error.strerror
        return None

    def _refuse_root(self) -> list[str]:
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
