"""All files below a directory."""

import logging
from collections.abc import Iterator
from pathlib import Path

from platform_interfaces import InvalidPathError, check_path
from platform_localfs._disk import entries_of, resolve
from platform_localfs._temporary import is_temporary

_log = logging.getLogger("platform_localfs")


def walk(root: Path, top: Path, prefix: str) -> Iterator[str]:
    """The paths of the files in ``top``, which is ``prefix`` under ``root``, and below; in no order.

    Links are followed where they stay under the root, but never back to a directory on the way to them. What
    is left out although somebody may have meant it as input is told to the log of the process.
    """
    pending = [(top, prefix, frozenset({top}))]
    while pending:
        directory, prefix, above = pending.pop()
        try:
            entries = entries_of(directory)
        except OSError as error:
            raise _named(prefix, error) from error
        for entry in entries:
            path = f"{prefix}/{entry.name}" if prefix else entry.name
            place = resolve(Path(entry)) if entry.is_symlink() else entry
            if isinstance(place, Path) and not place.is_relative_to(root):
                _log.warning("%a is not listed: it is a link that leaves the root", path)
                continue
            try:
                is_directory, is_file = place.is_dir(), place.is_file()
            except OSError as error:
                raise _named(path, error) from error
            if is_directory:
                below = Path(place)
                if below not in above:
                    pending.append((below, path, above | {below}))
            elif is_file and _can_be_named(path):
                yield path


def _named(path: str, error: OSError) -> OSError:
    """``error`` with the place below the prefix that it is about."""
    return OSError(error.errno, f"{path!r}: {error.strerror}")


def _can_be_named(path: str) -> bool:
    """Whether a caller could ask for ``path``; a file on disk may have a name that no path can have."""
    if is_temporary(path.rpartition("/")[2]):
        return False
    try:
        check_path(path)
    except InvalidPathError as error:
        _log.warning("a file is not listed: %s", ascii(str(error))[1:-1])
        return False
    return True
