"""The owner of the server's processes and files: the user, or, for root, a service account."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from pathlib import Path

from platform_interfaces import ConfigurationError

ACCOUNT = "platform-postgres"


def service_account() -> pwd.struct_passwd | None:
    """Return the account that PostgreSQL runs as for root, made when it is missing; None for other users.

    Raises:
        ConfigurationError: when it cannot be made.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        pass
    try:  # of Debian's package passwd; shadow-utils elsewhere
        command = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT)
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        return pwd.getpwnam(ACCOUNT)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and the account {ACCOUNT!r} could not be made by useradd "
            f"({_reason(error)}): run as another user, or make that account"
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is not installed; Debian's package passwd has it, elsewhere shadow-utils"
    if isinstance(error, subprocess.CalledProcessError):
        return " ".join(error.stderr.decode(errors="replace").split())
    return str(error)


def chown_to_service_account(directory: Path) -> None:
    """Give a directory that this process has just made to the account."""
    if account := service_account():
        os.chown(directory, account.pw_uid, account.pw_gid, follow_symlinks=False)


def check_name() -> None:
    """Refuse an account without a name, which initdb asks for.

    Raises:
        ConfigurationError: says how to give it one.
    """
    number = os.geteuid()
    try:
        pwd.getpwuid(number)
    except KeyError:
        raise ConfigurationError(
            f"the account {number} that runs this is not in /etc/passwd, which PostgreSQL needs to make "
            f"its data: add one (echo 'platform:x:{number}:{os.getegid()}::/:/bin/sh' >> /etc/passwd, as "
            "root or in the image), run as another user, or use --db postgres or --db memory"
        ) from None


def belongs_to_service_account(path: Path) -> bool:
    """Return whether ``path`` is a directory, not a link to one, of the account, or of the user."""
    account = service_account()
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == (account.pw_uid if account else os.geteuid())
