"""Where the lines of a date come from: its raw files, or what earlier runs have rejected."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from batch_etl.ingest.absence import explain_absence
from batch_etl.ingest.config import LoadConfig
from batch_etl.ingest.limits import Limits
from batch_etl.ingest.lines import Chunk, read_raw_lines
from batch_etl.ingest.never_data import is_never_data
from batch_etl.ingest.retry import read_rejected_lines
from platform_interfaces import (
    FailureKind,
    FileMissingError,
    FileSystemError,
    FileSystemInterface,
    LoggingInterface,
    Progress,
    Survey,
    rejects_path,
)

SHOWN_NAMES = 5


@dataclass(frozen=True)
class SourceFiles:
    """All that stands in a folder, by what a run does with it.

    Attributes:
        files: the paths to be read, sorted.
        ignored: paths that are never data; see ``is_never_data``.
        aliases: further names of files that are read, each with the name that is read.
        unusable: what cannot be read, with the reason.
        dangling: links that lead to no file.
        absence: why there is nothing to read; empty where there is something.
        sizes: bytes as they are stored, by path; empty where the file system does not list them.
        versions: as ``Survey`` has them.
    """

    files: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    dangling: tuple[str, ...] = ()
    absence: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def total_bytes(self) -> int | None:
        """Return the size of all files; None where it is not known."""
        is_known = self.sizes.keys() >= set(self.files)
        return sum(self.sizes[path] for path in self.files) if is_known else None


class NoInputError(FileMissingError):
    """There is no data for the date, and the load does not allow that."""

    kind = FailureKind.NO_INPUT


async def find_raw_files(fs: FileSystemInterface, config: LoadConfig) -> SourceFiles:
    """Return what is in the folder of the date.

    Raises:
        NoInputError: when there is no data and the run does not allow that; it says what there is.
        FileMissingError: likewise, when the root itself cannot be read.
        FileSystemError: when the folder cannot be listed.
    """
    found = await survey_files(fs, config.folder)
    if found.files or found.unusable:
        return found
    absence = await explain_absence(fs, config.source_path, config.date, found.ignored, found.dangling)
    if not config.allows_empty:
        message = f"no raw data found: {absence}"
        try:
            await fs.list_names("")
        except FileSystemError as error:  # a disk that is not mounted, not a day that has not come yet
            raise FileMissingError(message) from error
        raise NoInputError(f"{message} (--allow-empty accepts a day without data)")
    return replace(found, absence=absence)


async def survey_files(fs: FileSystemInterface, folder: str) -> SourceFiles:
    """Return what is in a folder; nothing where there is no such folder.

    Raises:
        FileSystemError: when it cannot be listed.
    """
    return _sort_out(await fs.survey(folder), folder)


async def find_rejected_lines(fs: FileSystemInterface, config: LoadConfig) -> SourceFiles:
    """Return where the lines are kept that earlier runs of the date have rejected.

    Raises:
        FileMissingError: when nothing is found because the root cannot be read, and that is not allowed.
        FileSystemError: when that cannot be found out.
    """
    path = rejects_path(config.folder)
    if await fs.exists(path):
        return SourceFiles((path,))
    absence = f"no lines are kept in {fs.locate(path)!r}"
    try:
        await fs.list_names("")
    except FileSystemError as error:
        absence += f": {error}"
        if not config.allows_empty:
            raise FileMissingError(f"no rejected lines found: {absence}") from error
    return SourceFiles(absence=f"there is nothing to retry: {absence}")


@dataclass(frozen=True)
class LineSource:
    """Where lines come from: how to find the files of a date, and how to read one of them."""

    find: Callable[[FileSystemInterface, LoadConfig], Awaitable[SourceFiles]]
    read: Callable[[FileSystemInterface, str, Limits, Progress], AsyncGenerator[Chunk, None]]


RAW_FILES = LineSource(find_raw_files, read_raw_lines)
REJECTED_LINES = LineSource(find_rejected_lines, read_rejected_lines)


def select_source(config: LoadConfig) -> LineSource:
    """Return where the lines of a load come from."""
    return REJECTED_LINES if config.is_retry else RAW_FILES


def log_found(log: LoggingInterface, found: SourceFiles) -> None:
    """Log how many files are read, which are not, and why."""
    log.info("Found raw data", files=len(found.files))
    if found.ignored:
        log.info("Left out what is never data", files=len(found.ignored), names=shorten(found.ignored))
    if found.aliases:
        names = [f"{alias} = {name}" for alias, name in found.aliases.items()]
        log.info("Some files have several names: each is read once", files=len(names), names=shorten(names))
    if found.dangling:
        log.warn("Some links lead to no file", links=len(found.dangling), names=shorten(found.dangling))
    for path, reason in found.unusable.items():
        log.error("Cannot read file", file=path, reason=reason)


def shorten(names: Iterable[str]) -> list[str]:
    """Return the first names, and how many more there are."""
    names = list(names)
    more = len(names) - SHOWN_NAMES
    return names if more <= 0 else [*names[:SHOWN_NAMES], f"and {more:,} more"]


def _sort_out(survey: Survey, folder: str) -> SourceFiles:
    def is_data(path: str) -> bool:
        return not is_never_data(path.removeprefix(f"{folder}/"))

    files = {path for path in survey.files if is_data(path)}
    aliases = dict[str, str]()
    # A file may be listed under a name that is left out (`.snapshot/a`) and have one that is data.
    read_as = {path: path for path in files}
    for alias, path in sorted(survey.aliases.items()):
        if is_data(alias):
            name = read_as.setdefault(path, alias)
            files.add(name)
            if name != alias:
                aliases[alias] = name
    return SourceFiles(
        files=tuple(sorted(files)),
        ignored=tuple(
            path
            for path in (*survey.files, *survey.aliases, *survey.unusable, *survey.dangling)
            if not is_data(path)
        ),
        aliases=aliases,
        unusable={path: reason for path, reason in survey.unusable.items() if is_data(path)},
        dangling=tuple(filter(is_data, survey.dangling)),
        sizes={name: survey.sizes[path] for path, name in read_as.items() if path in survey.sizes},
        versions={name: survey.versions[path] for path, name in read_as.items() if path in survey.versions},
    )
