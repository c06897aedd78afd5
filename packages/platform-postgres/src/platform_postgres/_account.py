"""Whose PostgreSQL's processes and files are: the user's, or, for root, those of an account in its place."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from pathlib import Path

from platform_interfaces import ConfigurationError

ACCOUNT = "platform-postgres"


def stand_in() -> pwd.struct_passwd | None:
    """The system account that stands in for root, made when it is missing; None for any other user.

    Raises:
        ConfigurationError: when it cannot be made.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        pass
    try:
        command = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT)
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        return pwd.getpwnam(ACCOUNT)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and the account {ACCOUNT!r} could not be made: "
            "run as another user, or make that account"
        ) from error


def hand_over(directory: Path) -> None:
    """Have the directory belong to the account, and be within its reach."""
    if account := stand_in():
        os.chown(directory, account.pw_uid, account.pw_gid)
        open_way(directory)


def is_handed_over(path: Path) -> bool:
    """Whether a directory, and no link to one, is there and belongs to the account, or to the user."""
    account = stand_in()
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == (account.pw_uid if account else os.geteuid())


def open_way(directory: Path) -> None:
    """Let the account pass through the directories above, which need not be readable for that."""
    if os.geteuid() != 0:
        return
    for parent in directory.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
