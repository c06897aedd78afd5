"""Migration files: where they are, whose they are, and what they say; nothing is imported here."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from platform_migrate.errors import MigrationRefusedError

PLATFORM = "platform"
"""The owner whose migrations are recorded under the bare names of their files."""

VERSIONS = Path(__file__).parent / "versions"
MAX_NAME_LENGTH = 255
"""Of a recorded name, with its owner: what 001 has given the column."""

CHECKSUM_VERSION = "1:"
"""The formula of ``MigrationFile.checksum``; a later one gets another number."""

_FILE_NAME = re.compile(r"[0-9]{3,}_[a-z0-9_]+")
_RECORDED_NAME = re.compile(rf"([^/]+/)?{_FILE_NAME.pattern}")


@dataclass(frozen=True)
class Source:
    """A folder of migrations and its owner: the platform, or a module by its name.

    Each owner numbers its files from 001.

    Raises:
        ValueError: when ``owner`` is empty, or has a ``/``, which separates it from the name of a file.
    """

    directory: Path = VERSIONS
    owner: str = PLATFORM

    def __post_init__(self) -> None:
        """Refuse an owner that could not be read back from a recorded name."""
        if not self.owner or "/" in self.owner:
            raise ValueError(f"{self.owner!r} cannot own migrations: use the name of a module")


@dataclass(frozen=True)
class MigrationFile:
    """A file of a source, read and not run."""

    path: Path
    text: str
    owner: str = PLATFORM

    @property
    def name(self) -> str:
        """Return the name it is recorded under: ``003_create_users``, ``billing/001_create_invoices``."""
        return self.path.stem if self.owner == PLATFORM else f"{self.owner}/{self.path.stem}"

    @property
    def number(self) -> int:
        """Return the number that the file name starts with."""
        return number_of(self.name)

    @property
    def checksum(self) -> str:
        """Return ``CHECKSUM_VERSION`` and the SHA-256 of the text, without line ends and trailing blanks.

        What the file imports is not covered.
        """
        lines = self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        normalised = "\n".join(line.rstrip() for line in lines).rstrip()
        return CHECKSUM_VERSION + sha256(normalised.encode()).hexdigest()


def owner_of(name: str) -> str:
    """Return the owner in a recorded name."""
    return name.rpartition("/")[0] or PLATFORM


def number_of(name: str) -> int:
    """Return the number in a recorded name."""
    return int(name.rpartition("/")[2].partition("_")[0])


def is_recorded_name(name: str) -> bool:
    """Return whether ``name`` is that of a migration, with or without an owner before it."""
    return _RECORDED_NAME.fullmatch(name) is not None


def read_sources(sources: Sequence[Source]) -> list[MigrationFile]:
    """Return the files of all ``sources``, in their order.

    Raises:
        MigrationRefusedError: when any cannot be read, see ``read_files``; all are named.
    """
    files, problems = list[MigrationFile](), list[str]()
    for source in sources:
        try:
            files += read_files(source)
        except MigrationRefusedError as error:
            problems.append(str(error))
    if problems:
        raise MigrationRefusedError("; ".join(problems))
    return files


def read_files(source: Source) -> list[MigrationFile]:
    """Return the migrations of ``source``, by number.

    Names that start with ``_``, ``.`` or ``~``, folders, and files that are not Python are ignored.

    Raises:
        MigrationRefusedError: when the folder is missing, a name is not ``NNN_lower_case.py`` or too long
            to be recorded with its owner, two files have the same number, or a file is not UTF-8. All bad
            names are listed.
    """
    if not source.directory.is_dir():
        raise MigrationRefusedError(f"there is no folder {str(source.directory)!r} to read migrations from")
    candidates = [
        path
        for path in sorted(source.directory.iterdir())
        if path.suffix == ".py" and path.name[0] not in "_.~" and path.is_file()
    ]
    if badly_named := [str(path) for path in candidates if not _FILE_NAME.fullmatch(path.stem)]:
        raise MigrationRefusedError(
            f"not named like 001_create_users.py, rename or remove: {', '.join(badly_named)}"
        )
    files = [MigrationFile(path, _read(path), source.owner) for path in candidates]
    if too_long := [file.name for file in files if len(file.name) > MAX_NAME_LENGTH]:
        raise MigrationRefusedError(
            f"longer than the {MAX_NAME_LENGTH} characters that are recorded: {', '.join(too_long)}"
        )
    _refuse_duplicates(files)
    return sorted(files, key=lambda file: file.number)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MigrationRefusedError(
            f"{str(path)!r} is not UTF-8: {error.reason} at byte {error.start}"
        ) from error


def _refuse_duplicates(files: Iterable[MigrationFile]) -> None:
    by_number: dict[int, list[str]] = {}
    for file in files:
        by_number.setdefault(file.number, []).append(str(file.path))
    if twice := [" and ".join(paths) for paths in by_number.values() if len(paths) > 1]:
        raise MigrationRefusedError(f"the same number twice, renumber one: {'; '.join(twice)}")
