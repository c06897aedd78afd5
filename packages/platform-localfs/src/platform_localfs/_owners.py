"""Directories and links that another user could have made: in a folder that all may write to, any user."""

import os
import stat
from pathlib import Path

from platform_localfs._disk import MAX_LINKS


def find_unsafe_entry(path: Path) -> str | None:
    """Return why another user could have made an entry on the way to ``path``, or None.

    In a folder that everybody may write to, such as ``/tmp``, each entry on the way must belong to this user,
    to root or to the owner of the folder, whether it is a directory or a link. Elsewhere only those make
    entries whom the owner of the folder let in, as is usual for data that several accounts share.
    """
    folder_path, pending, links = Path("/"), _reversed_parts(os.fspath(path)), 0
    while pending:
        name = pending.pop()
        if name == "..":
            folder_path = folder_path.parent
            continue
        try:
            folder, entry = folder_path.stat(), (folder_path / name).lstat()
            target = str((folder_path / name).readlink()) if stat.S_ISLNK(entry.st_mode) else None
        except OSError:  # it does not exist, or cannot be opened
            return None
        if folder.st_mode & stat.S_IWOTH and entry.st_uid not in (os.geteuid(), 0, folder.st_uid):
            return (
                f"everybody can write to {str(folder_path)!r}, "
                f"and {name!r} in it belongs to {_name_user(entry.st_uid)}"
            )
        if target is None:
            folder_path /= name
            continue
        links += 1
        if links > MAX_LINKS:
            return None  # opening it fails
        folder_path = Path("/") if target.startswith("/") else folder_path
        pending += _reversed_parts(target)
    return None


def _reversed_parts(path: str) -> list[str]:
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _name_user(uid: int) -> str:
    import pwd  # not at the top: it is needed for a message only

    try:
        return f"user {pwd.getpwuid(uid).pw_name!r}"
    except KeyError:
        return f"the user with the number {uid}"
