"""Directories below one root, opened name by name: a link that is swapped in never leads out of it.

Each directory is opened relative to the descriptor of the one above it and never through a link (``openat``
with ``O_NOFOLLOW``). A link is followed by going back to the root and down again, along the names that it
stands for. One descriptor is open at a time, however long the way is.
"""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from platform_localfs._disk import DIRECTORY, MAX_LINKS
from platform_localfs._root import Root

T = TypeVar("T")


class LeavesRootError(OSError):
    """A symbolic link leads out of the root."""


class Confined:
    """An open directory below the root, closed by ``with``; ``names`` lead to it, none of them a link."""

    def __init__(self, root: Root) -> None:
        self._root, self._links = root, 0
        self.descriptor, self.names = root.open(), list[str]()

    def __enter__(self) -> Self:
        """Return the directory itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        os.close(self.descriptor)

    def enter(self, name: str) -> None:
        """Go down to the directory ``name``, which must not be a link."""
        below = os.open(name, DIRECTORY | os.O_NOFOLLOW, dir_fd=self.descriptor)
        above, self.descriptor = self.descriptor, below
        self.names.append(name)
        os.close(above)

    def go_to(self, names: Sequence[str]) -> None:
        """Go to the directory that ``names`` lead to, none of which must be a link."""
        if list(names[: len(self.names)]) != self.names:
            self._restart()
        for name in names[len(self.names) :]:
            self.enter(name)

    def walk(self, names: Sequence[str]) -> None:
        """Go down along ``names``, through links that stay below the root."""
        pending = list(reversed(names))
        while pending:
            pending += self.step(pending.pop())

    def step(self, name: str) -> list[str]:
        """Go down to ``name``; for a link, go to the root and return the names to go on with, reversed."""
        try:
            self.enter(name)
        except OSError as error:
            # ENOTDIR on Linux and ELOOP elsewhere, for a link
            if error.errno not in (errno.ENOTDIR, errno.ELOOP) or not self._is_link(name):
                raise
            return self.follow(name)[::-1]
        return []

    def call_at(self, names: Sequence[str], call: Callable[[int, str], T]) -> T:
        """Return ``call(directory, name)`` for the last of ``names``, with every link followed.

        ``call`` raises ELOOP for a link.
        """
        while True:
            *above, name = names or ["."]
            self.walk(above)
            try:
                return call(self.descriptor, name)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
            names = self.follow(name)

    def follow(self, name: str) -> list[str]:
        """Go to the root and return the names that lead from there to where the link ``name`` leads."""
        self._links += 1
        if self._links > MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        names = self.resolve(name)
        self._restart()
        return names

    def resolve(self, name: str) -> list[str]:
        """Return the names that lead from the root to where the link ``name`` leads.

        They may be out of date: reach the directory by ``walk``.

        Raises:
            LeavesRootError: when it leads out of the root.
        """
        root = os.path.realpath(self._root.path)
        try:
            target = os.readlink(name, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return [*self.names, name]  # the link was replaced
        real_path = os.path.realpath(Path(root, *self.names, target))
        if os.path.commonpath([root, real_path]) != root:
            raise LeavesRootError(errno.EXDEV, f"a symbolic link in it leaves {str(self._root.path)!r}")
        # The kernel may refuse what realpath does: to follow a link of another user in a sticky folder.
        with suppress(FileNotFoundError, NotADirectoryError):
            os.stat(name, dir_fd=self.descriptor)
        return [part for part in os.path.relpath(real_path, root).split("/") if part != "."]

    def _is_link(self, name: str) -> bool:
        try:
            os.readlink(name, dir_fd=self.descriptor)
        except OSError:
            return False
        return True

    def _restart(self) -> None:
        start = self._root.open()
        before, self.descriptor = self.descriptor, start
        self.names = []
        os.close(before)
