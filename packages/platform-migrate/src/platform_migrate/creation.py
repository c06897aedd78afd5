"""A new migration file, made from a template."""

import re
from pathlib import Path

from platform_migrate.errors import MigrationRefusedError
from platform_migrate.files import VERSIONS, Source, read_files

_TEMPLATE = '''"""{title}."""

from platform_interfaces import DatabaseInterface


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration."""
    await conn.execute("")


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("")
'''
_INSTALLED_FOLDERS = ("site-packages", "dist-packages")


def create(name: str, *, directory: Path = VERSIONS) -> Path:
    """Make a file with the next free number, to be filled in, and return its path.

    A missing folder is made.

    Raises:
        ValueError: when ``name`` is not made of words of ASCII letters and digits.
        MigrationRefusedError: when ``directory`` is part of an installed package, which the next installation
            replaces; or when another process takes the same number at the same time.
    """
    words = re.findall(r"[a-z0-9]+", name.lower())
    if not words or not re.fullmatch(r"[A-Za-z0-9 _-]+", name):
        raise ValueError(
            f"{name!r} cannot name a migration: use words of letters and digits, such as 'add users'"
        )
    _refuse_installed(directory)
    directory.mkdir(parents=True, exist_ok=True)
    number = _next_number(directory)
    draft = directory / f".{number:03}.draft"
    try:
        with draft.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.format(title=" ".join(words).capitalize()))
    except FileExistsError as error:
        raise MigrationRefusedError(
            f"another process is making migration {number}: try again, "
            f"or delete {str(draft)!r} if it is a leftover"
        ) from error
    try:
        if _next_number(directory) != number:  # asked again: another draft may have got its name since
            raise MigrationRefusedError(f"another process has just made migration {number}: try again")
        return draft.rename(directory / f"{number:03}_{'_'.join(words)}.py")
    finally:
        draft.unlink(missing_ok=True)


def _next_number(directory: Path) -> int:
    return max((file.number for file in read_files(Source(directory))), default=0) + 1


def _refuse_installed(directory: Path) -> None:
    # An installer puts the metadata of a package beside it; of an editable one they are elsewhere.
    for folder in {*directory.absolute().parents, *directory.resolve().parents}:
        if folder.name in _INSTALLED_FOLDERS or any(folder.glob("*.dist-info")):
            raise MigrationRefusedError(
                f"{str(directory)!r} is part of an installed package, and nothing is written into one: "
                "install it as editable, from its sources, or give another folder"
            )
