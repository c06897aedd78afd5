"""The root directory: opened, made, and checked for its owners."""

import errno
import os
from pathlib import Path

from platform_localfs._disk import DIRECTORY, sync_directory
from platform_localfs._owners import find_unsafe_entry


class RootError(OSError):
    """The root cannot be used; its text is a complete sentence."""


class RootMissingError(RootError, FileNotFoundError):
    """The root does not exist."""


class RootIsFileError(RootError, NotADirectoryError):
    """The root is not a directory."""


class Root:
    """A directory that ``setting`` names; it need not exist yet."""

    def __init__(self, path: Path, setting: str) -> None:
        self.path, self.setting = path, setting
        self._checked: tuple[int, int] | None = None  # the device and number of the directory

    def open(self) -> int:
        """Return a descriptor of the directory.

        Raises:
            RootError: when it is not a directory, or another user could have made it.
        """
        try:
            descriptor = os.open(self.path, DIRECTORY)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._explain(error) from error
        except PermissionError:
            self._check_owners()  # the kernel follows no link of another user in a sticky folder
            raise
        try:
            status = os.fstat(descriptor)
            if (status.st_dev, status.st_ino) != self._checked:
                self._check_owners()
                self._checked = (status.st_dev, status.st_ino)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def make(self, made: list[Path]) -> None:
        """Make the directory and what is missing above it, each durably; add what was made to ``made``."""
        directory, missing = self.path, list[Path]()
        while not directory.is_dir():
            missing.append(directory)
            directory = directory.parent
        if missing:
            self._check_owners()
        for directory in reversed(missing):
            try:
                directory.mkdir()
                made.append(directory)
            except (FileExistsError, NotADirectoryError) as error:
                if not directory.is_dir():  # if it is one, another writer was faster
                    raise RootError(errno.EEXIST, self._explain(error).strerror) from error
            sync_directory(directory.parent)

    def __str__(self) -> str:
        """Return its name in messages."""
        return f"the root {str(self.path)!r} ({self.setting})"

    def _check_owners(self) -> None:
        if reason := find_unsafe_entry(self.path):
            advice = f"set {self.setting} to a directory of your own, or have it removed"
            raise RootError(errno.EACCES, f"{self} is not safe: {reason}: {advice}")

    def _explain(self, error: OSError) -> RootError:
        """Return ``error`` with what was found at the path."""
        for path in (self.path, *self.path.parents):
            is_root = path == self.path
            if path.is_symlink() and not path.exists():
                target, at = str(path.readlink()), "" if is_root else f"{str(path)!r} "
                reason = f"{at}is a link to {target!r}, which does not exist: is the disk mounted?"
                return RootMissingError(
                    errno.ENOENT, f"{self} {reason if is_root else f'does not exist: {reason}'}"
                )
            if path.exists() and not path.is_dir():
                reason = "is a file" if is_root else f"does not exist: {str(path)!r} is a file"
                return RootIsFileError(errno.ENOTDIR, f"{self} {reason}, not a directory")
        return RootMissingError(errno.ENOENT, f"{self} does not exist: is the disk mounted?")
