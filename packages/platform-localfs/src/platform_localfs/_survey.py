"""The files below a directory, their aliases, and the entries that cannot be read."""

import logging
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress

from platform_interfaces import InvalidPathError, Survey, check_path
from platform_localfs._root import Root
from platform_localfs._walk import LEADS_NOWHERE, File, Names, Problem, Walk

_log = logging.getLogger("platform_localfs")
Check = Callable[[str], str | None]


def list_files(root: Root, hidden: str | None, names: Names, prefix: str, check: Check) -> list[str]:
    """Return the paths of all files, sorted; log a skipped file or link that may be input.

    Raises:
        OSError: for a directory or link that cannot be read: its files would be missing silently.
    """
    files = []
    for file in Walk(root, hidden, _raise_or_log).files(names, prefix):
        if reason := check(file.path):
            _log.warning("a file is not listed: path %a is refused: %s", file.path, reason)
        else:
            files.append(file.path)
    return sorted(files)


def survey(root: Root, hidden: str | None, names: Names, prefix: str, check: Check) -> Survey:
    """Return the files that can be read, each once, and the entries that cannot."""
    unusable, dangling = dict[str, str](), list[str]()

    def report(path: str, problem: Problem) -> None:
        if isinstance(problem, OSError):
            if path.removesuffix("/") == prefix:
                raise problem
            problem = problem.strerror or str(problem)
        elif problem == LEADS_NOWHERE and not check(path):
            dangling.append(path)
            return
        unusable[_escape(path, check)] = problem

    names_of = dict[tuple[int, int] | str, list[tuple[bool, str]]]()
    statuses = dict[str, os.stat_result]()
    for file in Walk(root, hidden, report).files(names, prefix):
        if reason := check(file.path):
            shortest = _find_shortest_refused(file.path, check)
            unusable[_escape(shortest, check)] = f"its name cannot be a path: {reason}"
            continue
        with suppress(FileNotFoundError):  # removed since it was listed
            status = _read_status(file, report)
            if status is not None:
                is_alias = file.path != file.real_path
                names_of.setdefault(_identify(file, status), []).append((is_alias, file.path))
                statuses[file.path] = status
    aliases, files = dict[str, str](), []
    for found in names_of.values():
        (_, first), *others = sorted(found)
        files.append(first)
        aliases |= {other: first for _, other in others}
    return Survey(
        tuple(sorted(files)),
        dict(sorted(aliases.items())),
        dict(sorted(unusable.items())),
        tuple(sorted(dangling)),
        {path: statuses[path].st_size for path in files},
        {path: _describe_version(statuses[path]) for path in files},
    )


def _describe_version(status: os.stat_result) -> str:
    return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"


def list_names(entries: Iterable[os.DirEntry[str]]) -> tuple[str, ...]:
    """Return the names, sorted; those of directories end in ``/``, invalid ones are escaped."""
    names = [entry.name + "/" * entry.is_dir(follow_symlinks=False) for entry in entries]
    return tuple(sorted(_escape(name, _find_problem) for name in names))


def _raise_or_log(path: str, problem: Problem) -> None:
    if isinstance(problem, OSError):
        raise OSError(problem.errno, f"{path.removesuffix('/')!r}: {problem.strerror}") from problem
    if "leaves the root" in problem:
        _log.warning("%a is not listed: %s", path, problem)


def _read_status(file: File, report: Callable[[str, Problem], None]) -> os.stat_result | None:
    """Return the status of the file, or None after a report that it cannot be read."""
    try:
        status = os.stat(file.name, dir_fd=file.directory, follow_symlinks=False)
    except PermissionError as error:  # the directory can be listed, and its files cannot be opened
        report(f"{file.path.rpartition('/')[0]}/", error)
        return None
    is_open_to_all = status.st_mode & 0o444 == 0o444  # spares a call for each file
    as_user = os.access in os.supports_effective_ids
    if is_open_to_all or os.access(file.name, os.R_OK, dir_fd=file.directory, effective_ids=as_user):
        return status
    report(file.path, "Permission denied")
    return None


def _identify(file: File, status: os.stat_result) -> tuple[int, int] | str:
    """Return what two names of one file have in common.

    Inode numbers are used for hard links only: some file systems give one number to several files.
    """
    if status.st_nlink > 1 and status.st_ino and stat.S_ISREG(status.st_mode):
        return status.st_dev, status.st_ino
    return file.real_path


def _find_shortest_refused(path: str, check: Check) -> str:
    """Return the path of the file, or of the outermost directory above it, that cannot be a path."""
    parts = path.split("/")
    for depth in range(1, len(parts)):
        if check(above := "/".join(parts[:depth])):
            return f"{above}/"
    return path


def _escape(path: str, check: Check) -> str:
    return repr(path)[1:-1] if check(path.removesuffix("/")) else path


def _find_problem(name: str) -> str | None:
    try:
        check_path(name)
    except InvalidPathError as error:
        return str(error)
    return None
