"""The server's directories: checked before they are changed; only those that this package made are changed.

PostgreSQL runs as another account for root. Where that account cannot pass through the directories above, the
server's files go below a folder of the system: opening the way would open it for every user of the machine.
"""

from __future__ import annotations

import os
import pwd
import stat
from hashlib import sha256
from pathlib import Path

from platform_interfaces import ConfigurationError

SYSTEM_FOLDER = Path("/var/lib/platform-postgres")


def choose_directory(requested: Path) -> Path:
    """Return where the files of the server for ``requested`` are or will be.

    For root, that is a folder of the system where the path is closed to other accounts. A folder of the
    system that has been used stays in use, so that the data are always found again.
    """
    if os.geteuid() != 0:
        return requested
    own = SYSTEM_FOLDER / f"data-{sha256(os.fsencode(requested)).hexdigest()[:16]}"
    if os.path.lexists(own) or (find_closed_parent(requested) and not _has_data(requested)):
        return own
    return requested


def find_closed_parent(path: Path) -> Path | None:
    """Return the directory above ``path`` that other accounts cannot pass through, or None."""
    for parent in reversed(path.parents):
        try:
            if not parent.stat().st_mode & stat.S_IXOTH:
                return parent
        except OSError:
            return None  # it is made later, open to others
    return None


def check_owner(directory: Path, account: pwd.struct_passwd | None, name: str) -> None:
    """Refuse a directory of another user and, for root, a link; changes nothing.

    Raises:
        ConfigurationError: names the owner and what to do.
    """
    if account is not None:
        for path in (directory, *directory.parents):
            if path.is_symlink() and (path == directory or path.lstat().st_uid != 0):
                raise ConfigurationError(
                    f"{name} is or goes through a link, {str(path)!r}, which root does not follow: "
                    f"set DB_EMBEDDED_DIR to the directory itself"
                )
    try:
        owner = directory.stat().st_uid
    except FileNotFoundError:
        return
    if owner not in ((0, account.pw_uid) if account else (os.geteuid(),)):
        raise ConfigurationError(
            f"{name} belongs to {_name_user(owner)!r} and is left as it is: run as that user, "
            "or set DB_EMBEDDED_DIR to another directory"
        )


def check_reachable(directory: Path, account: pwd.struct_passwd | None, name: str) -> None:
    """Refuse data that the account cannot reach, for new ones beside them would be an empty database.

    Raises:
        ConfigurationError: names the directory above that is closed.
    """
    if account and (closed := find_closed_parent(directory)):
        raise ConfigurationError(
            f"{name} holds data that the account {account.pw_name!r}, as which PostgreSQL runs for root, "
            f"cannot reach: {str(closed)!r} is closed to others. Move it and set DB_EMBEDDED_DIR, or run "
            f"chmod o+x {str(closed)!r}"
        )


def make_private(directory: Path, account: pwd.struct_passwd | None) -> None:
    """Make the directory where it is missing; it belongs to the account, and is closed to others.

    Directories above that have to be made can be passed through, whatever the umask is.
    """
    for parent in reversed(directory.parents):
        _make(parent, 0o755 if account else 0o777)
    _make(directory, 0o700)
    follow = 0 if account is None else os.O_NOFOLLOW  # a user's own link is the user's business
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | follow)
    try:
        os.fchmod(descriptor, 0o700)
        if account:
            os.fchown(descriptor, account.pw_uid, account.pw_gid)
    finally:
        os.close(descriptor)


def _make(directory: Path, mode: int) -> None:
    try:
        directory.mkdir(mode)
    except FileExistsError:
        return
    except OSError:
        if not directory.is_dir():  # some systems refuse before they look
            raise
        return
    if os.geteuid() == 0:
        directory.chmod(mode)


def claim_system_folder() -> Path:
    """Return the folder of the system, made where it is missing, which root alone can change.

    Raises:
        ConfigurationError: when it cannot be made, or others can change it.
    """
    try:
        _make(SYSTEM_FOLDER, 0o755)
        found = SYSTEM_FOLDER.lstat()
    except OSError as error:
        raise ConfigurationError(
            f"directory {str(SYSTEM_FOLDER)!r}, which the server needs when root runs it below a directory "
            f"closed to other accounts, cannot be made: {error.strerror}: run as another user, "
            "or use --db postgres"
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise ConfigurationError(
            f"{str(SYSTEM_FOLDER)!r} must be a directory that root alone can change: remove it, "
            "or correct its owner and mode"
        )
    return SYSTEM_FOLDER


def _has_data(directory: Path) -> bool:
    return (directory / "data").exists()


def _name_user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
