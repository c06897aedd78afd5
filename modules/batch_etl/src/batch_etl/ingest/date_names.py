"""Names of files and folders that look like a date: 20260115, date=2026-01-15, 2026/01/15, 15.01.2026."""

import re

from platform_interfaces import FileSystemError, FileSystemInterface

MAX_LOOKED_INTO = 20  # directories, for a lake may have very many
_SEPARATOR = "[^0-9]{0,12}"  # "-", "/", "/month="


def is_day(name: str) -> bool:
    """Return whether a folder of this name would be that of a date."""
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", name) is not None


def looks_like_date(path: str, date: str) -> bool:
    """Return whether ``path`` has ``date`` in it, however it is spelled: the day may come first."""
    year, month, day = _patterns(date)
    spellings = (
        f"{year}{_SEPARATOR}{month}{_SEPARATOR}{day}(?=([0-9]{{2}}){{0,3}}(?![0-9]))",  # hours may follow
        f"{day}[^0-9]{month}[^0-9]{year}(?![0-9])",
        f"{month}[^0-9]{day}[^0-9]{year}(?![0-9])",
    )
    return any(re.search(f"(?<![0-9]){spelling}", path) for spelling in spellings)


async def find_date_names(fs: FileSystemInterface, directory: str, date: str) -> list[str]:
    """Return files and folders that look like ``date``, relative to ``directory``, sorted.

    Only folders of the year and the month, and some of those directly in ``directory``, are looked into.
    """
    found, pending, looked_into = list[str](), [""], 0
    while pending and looked_into <= MAX_LOOKED_INTO:
        below, looked_into = pending.pop(0), looked_into + 1
        for name in await list_names(fs, f"{directory}/{below}".strip("/")):
            path = below + name
            if looks_like_date(path, date):
                found.append(path)
            elif name.endswith("/") and (not below or _may_lead_to(path, date)) and not is_day(name[:-1]):
                # Folders of the year come first: among hundreds of others they would not have their turn.
                pending.insert(0 if _may_lead_to(path, date) else len(pending), path)
    return sorted(found)


async def list_names(fs: FileSystemInterface, directory: str) -> tuple[str, ...]:
    """Return the names in ``directory``, none where it cannot be looked into."""
    try:
        return await fs.list_names(directory)
    except FileSystemError:
        return ()


def _may_lead_to(path: str, date: str) -> bool:
    year, month, _ = _patterns(date)
    return re.search(f"(?<![0-9]){year}[^0-9]*({month}[^0-9]*)?$", path) is not None


def _patterns(date: str) -> tuple[str, str, str]:
    year, month, day = date.split("-")
    return year, f"0?{int(month)}", f"0?{int(day)}"
