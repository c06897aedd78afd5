"""The files under one root, in blocking calls that raise OSError."""

import errno
import os
import stat
from contextlib import AbstractContextManager
from io import FileIO
from pathlib import Path
from tempfile import TemporaryFile

from platform_interfaces import InvalidPathError, check_path, check_prefix
from platform_localfs._disk import check_regular, make_directories, open_to_read, resolve, write_all
from platform_localfs._replacement import replacement
from platform_localfs._temporary import is_temporary, remove_abandoned
from platform_localfs._vacant import is_vacant
from platform_localfs._walk import walk


class Tree:
    """What ``LocalFileSystem`` does, for one path at a time and in the thread that calls it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._swept: set[Path] = set()

    def open(self, path: str) -> FileIO:
        """The file, to be read."""
        return open_to_read(self._locate(path))

    def read(self, path: str) -> bytes:
        """The whole content."""
        with self.open(path) as file:
            return file.readall()

    def replacing(self, path: str, *, is_private: bool = False) -> AbstractContextManager[FileIO]:
        """A file to write to, which is at ``path`` when the block ends, and nowhere when it raises."""
        permissions, target = self._permissions(path), self._entry(path)
        if is_private:
            permissions = 0o600
        make_directories(target.parent, 0o700 if is_private else 0o777)
        if target.parent not in self._swept:
            remove_abandoned(target.parent)
            self._swept.add(target.parent)
        return replacement(target, permissions)

    def write(self, path: str, data: bytes, *, is_private: bool) -> None:
        """Put ``data`` at ``path``."""
        with self.replacing(path, is_private=is_private) as file:
            write_all(file, data)

    def list(self, prefix: str) -> list[str]:
        """The paths of all files in the directory ``prefix`` and below, sorted."""
        prefix = check_prefix(prefix)
        return sorted(walk(self._resolved(""), self._resolved(prefix), prefix))

    def delete(self, path: str) -> bool:
        """Whether a file was there to be deleted."""
        if self._permissions(path) is None:
            return False
        try:
            self._entry(path).unlink()
        except FileNotFoundError:
            return False
        return True

    def exists(self, path: str) -> bool:
        """Whether ``path`` is a file."""
        mode = self._mode(path)
        return mode is not None and stat.S_ISREG(mode)

    def url(self, path: str) -> str:
        """The ``file://`` URL of the file."""
        place = self._locate(path)
        check_regular(place.stat().st_mode)
        return place.as_uri()

    def probe(self) -> None:
        """Make the root if it is not there, and write a file that has no name to it."""
        make_directories(self._root)
        with TemporaryFile(dir=self._root, buffering=0) as file:
            file.write(b"x")

    def _permissions(self, path: str) -> int | None:
        """Those of the file, None where there is nothing."""
        mode = self._mode(path)
        if mode is None:
            return None
        check_regular(mode)
        return stat.S_IMODE(mode)

    def _mode(self, path: str) -> int | None:
        try:
            return self._locate(path).stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _locate(self, path: str) -> Path:
        """Where the file is, with every link followed.

        Raises:
            FileNotFoundError: when it is a vacant directory; anything else may be there or not.
        """
        if is_temporary(check_path(path).rpartition("/")[2]):
            raise InvalidPathError(f"path {path!r} is refused: such names are for files being written")
        place = self._confined(path)
        if is_vacant(place):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return place

    def _entry(self, path: str) -> Path:
        """Where the file has its name, which may be a link; to be asked after ``_locate`` has let it pass."""
        parent, _, name = path.rpartition("/")
        return self._confined(parent) / name

    def _confined(self, path: str) -> Path:
        """The place of ``path``, links followed; most paths have none, and then it is the path itself."""
        place = os.fspath(self._root)
        for name in path.split("/"):
            place = f"{place}/{name}"
            try:
                mode = os.lstat(place).st_mode
            except (FileNotFoundError, NotADirectoryError):  # what is not there leads nowhere
                break
            except OSError:
                return self._resolved(path)
            if stat.S_ISLNK(mode):
                return self._resolved(path)
        return self._root / path

    def _resolved(self, path: str) -> Path:
        root, place = resolve(self._root), resolve(self._root / path)
        if not place.is_relative_to(root):
            raise InvalidPathError(f"path {path!r} is refused: a symbolic link in it leaves {str(root)!r}")
        return place
