"""All files below a directory."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from platform_interfaces.filesystem import is_temporary_name
from platform_localfs._confined import Confined, LeavesRootError
from platform_localfs._disk import scan_directory, stat_entry
from platform_localfs._root import Root, RootError

Problem = OSError | str
Names = tuple[str, ...]
LEADS_NOWHERE = "it is a link that leads nowhere"


class File(NamedTuple):
    """A regular file found as ``path``; ``real_path`` is the same without links.

    It is ``name`` in the open ``directory`` until the next one is asked for.
    """

    path: str
    real_path: str
    directory: int
    name: str


class _Directory(NamedTuple):
    names: Names
    prefix: str
    above: frozenset[Names]
    is_linked: bool


class Walk:
    """A walk over the files below a directory, in no order.

    Links are followed where they stay below the root, but never back to a directory on the way to them. What
    cannot be walked is passed to ``report`` with its path; ``report`` may raise. A directory that was walked
    already is not walked again where a link in a linked directory leads to it: the number of paths through
    links has no bound, the number of files has.
    """

    def __init__(self, root: Root, hidden: str | None, report: Callable[[str, Problem], None]) -> None:
        self._root, self._hidden, self._report = root, hidden, report
        self._walked: set[Names] = set()
        self._pending: list[_Directory] = []
        self._linked: list[_Directory] = []

    def files(self, names: Names, prefix: str) -> Iterator[File]:
        """Yield the files in the directory ``names``, whose path is ``prefix``, and below."""
        self._pending.append(_Directory(names, prefix, frozenset({names}), is_linked=False))
        with Confined(self._root) as here:
            while self._pending or self._linked:
                directory = self._pending.pop() if self._pending else self._linked.pop(0)
                try:
                    here.go_to(directory.names)
                    with scan_directory(here.descriptor) as entries:
                        self._walked.add(directory.names)
                        for entry in entries:
                            yield from self._visit(here, directory, entry)
                except RootError:  # the whole tree is missing, not one directory
                    raise
                except (FileNotFoundError, NotADirectoryError):
                    continue  # removed since it was listed
                except PermissionError as error:
                    self._report(f"{directory.prefix}/" if directory.prefix else "", error)

    def _visit(self, here: Confined, directory: _Directory, entry: os.DirEntry[str]) -> Iterator[File]:
        path = f"{directory.prefix}/{entry.name}" if directory.prefix else entry.name
        names = (*directory.names, entry.name)
        if path == self._hidden or is_temporary_name(entry.name):
            return
        if entry.is_symlink():
            yield from self._visit_link(here, directory, entry.name, path)
        elif entry.is_dir(follow_symlinks=False):
            if names not in directory.above:
                self._pending.append(_Directory(names, path, directory.above | {names}, directory.is_linked))
        elif entry.is_file(follow_symlinks=False):
            yield File(path, "/".join(names), here.descriptor, entry.name)
        else:
            with suppress(FileNotFoundError):  # removed since it was listed; the walk goes on
                self._report(path, _name_kind(entry.stat(follow_symlinks=False).st_mode))

    def _visit_link(self, here: Confined, directory: _Directory, name: str, path: str) -> Iterator[File]:
        try:
            target = tuple(here.resolve(name))
            with Confined(self._root) as there:
                mode = there.call_at(target, stat_entry).st_mode
                if stat.S_ISREG(mode):
                    yield File(path, "/".join(target), there.descriptor, target[-1])
        except LeavesRootError:
            self._report(path, "it is a link that leaves the root")
        except (FileNotFoundError, NotADirectoryError):
            self._report(path, LEADS_NOWHERE)
        except OSError as error:
            self._report(path, "it is a link in a circle" if error.errno == errno.ELOOP else error)
        else:
            if stat.S_ISDIR(mode):
                is_known = directory.is_linked and target in self._walked
                if target not in directory.above and not is_known:
                    above = directory.above | {target}
                    self._linked.append(_Directory(target, path, above, is_linked=True))
            elif not stat.S_ISREG(mode):
                self._report(path, _name_kind(mode))


def _name_kind(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return f"it is {kinds.get(stat.S_IFMT(mode), 'a special file')}, not a regular file"
