"""Why there is nothing to read for a date, and what the source has instead."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from batch_etl.ingest.date_names import MAX_LOOKED_INTO, find_date_names, is_day, list_names, looks_like_date
from platform_interfaces import FileMissingError, FileSystemError, FileSystemInterface

_SHOWN = 3
_IS_MOUNTED = "is it set right, and is it mounted?"


async def explain_absence(
    fs: FileSystemInterface,
    source_path: str,
    date: str,
    ignored: Sequence[str] = (),
    dangling: Sequence[str] = (),
) -> str:
    """Return why the folder of ``date`` has no data: the place, what is wrong with it, what it has instead.

    Only a few directories are looked into. ``ignored`` is what the folder has, but is never data, and
    ``dangling`` its links that lead to no file.
    """
    folder = _join(source_path, date)
    stop = await _find_stop(fs, folder)
    problem = stop.problem or _describe_empty(ignored, dangling)
    hints = _hints_of_spelling(source_path, date)
    if stop.missing and stop.directory == source_path:
        hints += await _hints_of_date(fs, source_path, date, stop)
    elif stop.missing:
        near = _nearest(stop.missing, stop.names)
        hints.append(f"did you mean {_list(near)}?" if near else _say_names(stop))
    if stop.problem and (others := await _find_elsewhere(fs, source_path, date, stop)):
        hints.append(f"the date is there with --source-path {' or '.join(map(repr, others[:_SHOWN]))}")
    return "; ".join([f"{fs.locate(folder)!r} {problem}", *hints])


@dataclass(frozen=True)
class _Stop:
    """Where a path ends: ``missing`` is the part of it that is not a folder in ``directory``.

    All but ``directory`` are empty for a path that is a folder, and ``missing`` where it cannot be looked at.
    """

    directory: str
    problem: str = ""
    missing: str = ""
    names: tuple[str, ...] = ()


async def _find_stop(fs: FileSystemInterface, folder: str) -> _Stop:
    directory = ""
    for part in folder.split("/"):
        try:
            names = await fs.list_names(directory)
        except FileMissingError as error:  # a root that is missing: the adapter says what to look at
            return _Stop(directory, f"cannot be read: {error}")
        except FileSystemError as error:
            return _Stop(directory, f"cannot be read: {error}{'' if directory else f': {_IS_MOUNTED}'}")
        path = _join(directory, part)
        if part in names:
            return _Stop(directory, f"is not a folder of data: {path!r} is a file", part, names)
        if f"{part}/" not in names:
            where = repr(directory) if directory else "the root"
            return _Stop(directory, f"does not exist: {where} has no folder {part!r}", part, names)
        directory = path
    return _Stop(directory)


def _hints_of_spelling(source_path: str, date: str) -> list[str]:
    hints = list[str]()
    parts = source_path.split("/")
    dated = next((index for index, part in enumerate(parts) if looks_like_date(part, date)), None)
    if dated is not None:
        before = "/".join(parts[:dated])
        hints.append(f"the date is added to the source path: give --source-path {before!r}")
    if re.search(r"[*?\[\]{}]", source_path):
        hints.append("--source-path is the name of a folder: '*' and the like are not patterns in it")
    if any(part != part.strip(" \t\"'`\u201c\u201d\u2018\u2019") for part in parts):
        hints.append(f"there are quotes or blanks around a part of --source-path {source_path!r}")
    return hints


async def _hints_of_date(fs: FileSystemInterface, source_path: str, date: str, stop: _Stop) -> list[str]:
    """Return what a folder that should have that of the date has instead."""
    similar = await find_date_names(fs, source_path, date)
    dates = [name[:-1] for name in stop.names if name.endswith("/") and is_day(name[:-1])]
    hints = list[str]()
    if similar:
        hints.append(f"looks like the date: {_list(similar)}; only a folder named {date!r} is read")
    if dates:
        hints.append(f"dates found: {_say_dates(dates)}")
    return hints or [_say_names(stop)]


async def _find_elsewhere(fs: FileSystemInterface, source_path: str, date: str, stop: _Stop) -> list[str]:
    """Return other source paths that have the date: shorter, or with another folder in or around it."""
    parts = source_path.split("/") if source_path else []
    depth = len(stop.directory.split("/")) if stop.directory else 0
    rest = "/".join(parts[depth + 1 :])  # after the folder that is missing
    candidates = [
        *("/".join(parts[start:]) for start in range(1, len(parts) + 1)),
        *(_join(_join(stop.directory, name), rest) for name in _directories(stop.names)),
        *(_join(name, source_path) for name in _directories(await list_names(fs, ""))),
    ]
    return [
        path
        for path in dict.fromkeys(candidates)
        if path != source_path and f"{date}/" in await list_names(fs, path)
    ]


def _directories(names: Sequence[str]) -> list[str]:
    return [name[:-1] for name in names if name.endswith("/") and not is_day(name[:-1])][:MAX_LOOKED_INTO]


def _nearest(name: str, names: Sequence[str]) -> list[str]:
    folded = {_fold(each): each for each in names}
    near = difflib.get_close_matches(_fold(name), folded, n=_SHOWN, cutoff=0.6)
    return [folded[each] for each in near]


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip(" \t/\"'")


def _say_names(stop: _Stop) -> str:
    if stop.names:
        return f"it has {_list(stop.names)}"
    return "it is empty" if stop.directory else f"the root is empty: {_IS_MOUNTED}"


def _say_dates(dates: Sequence[str]) -> str:
    if len(dates) <= 2 * _SHOWN:
        return ", ".join(dates)
    return f"{', '.join(dates[:_SHOWN])}, … {', '.join(dates[-_SHOWN:])} ({len(dates):,} in all)"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    more = len(names) - _SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def _describe_empty(ignored: Sequence[str], dangling: Sequence[str]) -> str:
    parts = []
    if dangling:
        parts.append(f"links that lead to no file ({len(dangling):,}): {_list_last(dangling)}")
    if ignored:
        parts.append(f"files that are left out ({len(ignored):,}): {_list_last(ignored)}")
    return f"has no data, only {' and '.join(parts)}" if parts else "has no files"


def _list_last(paths: Sequence[str]) -> str:
    return _list([path.rpartition("/")[2] for path in paths])


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}".strip("/")
