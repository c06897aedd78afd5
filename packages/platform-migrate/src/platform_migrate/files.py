"""Migration files: which there are, what they say, and making a new one."""

import inspect
import re
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from platform_interfaces import DatabaseInterface
from platform_migrate.errors import MigrationRefusedError

Step = Callable[[DatabaseInterface], Awaitable[None]]

VERSIONS = Path(__file__).parent / "versions"
CHECKSUM_VERSION = "1:"
"""The formula of ``MigrationFile.checksum``; a later one gets another number."""

_NAME = re.compile(r"[0-9]{3,}_[a-z0-9_]+")
_TEMPLATE = '''"""{title}."""

from platform_interfaces import DatabaseInterface


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration."""
    await conn.execute("")


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("")
'''


@dataclass(frozen=True)
class MigrationFile:
    """A file of the folder, read but not run. ``name`` is its identity: the file name without ``.py``."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """For example ``003_create_cleaned_events_table``."""
        return self.path.stem

    @property
    def number(self) -> int:
        """The digits in front, as a number."""
        return int(self.name.partition("_")[0])

    @property
    def checksum(self) -> str:
        """``CHECKSUM_VERSION`` and the SHA-256 of the text; line ends and trailing blanks do not count.

        What the file imports is not covered.
        """
        lines = self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        normalised = "\n".join(line.rstrip() for line in lines).rstrip()
        return CHECKSUM_VERSION + sha256(normalised.encode()).hexdigest()


@dataclass(frozen=True)
class Migration:
    """A file that was run as a module, and so can be applied."""

    file: MigrationFile
    up: Step
    down: Step | None
    is_transactional: bool


def read_files(directory: Path | None = None) -> list[MigrationFile]:
    """The migrations of ``directory`` (default: those of the platform), by number; nothing is imported.

    What starts with ``_``, ``.`` or ``~``, folders, and files that are not Python are left aside.

    Raises:
        MigrationRefusedError: when a ``directory`` is given and missing, a name is not ``NNN_lower_case.py``,
            two files have the same number, or a file is not UTF-8. All bad files are named at once.
    """
    folder = directory or VERSIONS
    if not folder.is_dir():
        if directory is None:
            return []
        raise MigrationRefusedError(f"there is no folder {str(directory)!r} to read migrations from")
    candidates = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix == ".py" and path.name[0] not in "_.~" and path.is_file()
    ]
    if badly_named := [str(path) for path in candidates if not is_migration_name(path.stem)]:
        raise MigrationRefusedError(f"not named like 001_create_users.py: {', '.join(badly_named)}")
    files = sorted((MigrationFile(path, _read(path)) for path in candidates), key=lambda file: file.number)
    _refuse_duplicates(files)
    return files


def is_migration_name(name: str) -> bool:
    """Whether ``name`` is three or more digits, ``_``, and lower-case letters, digits and ``_``."""
    return _NAME.fullmatch(name) is not None


def load_all(files: Iterable[MigrationFile]) -> list[Migration]:
    """What each of ``files`` defines, in the order given.

    Raises:
        MigrationRefusedError: when any cannot be run, or lacks ``async def up(conn)``; all are named.
    """
    migrations, problems = [], []
    for file in files:
        try:
            migrations.append(load(file))
        except MigrationRefusedError as error:
            problems.append(error)
    if problems:
        raise MigrationRefusedError("; ".join(map(str, problems))) from problems[0]
    return migrations


def check_files(directory: Path | None = None) -> tuple[str, ...]:
    """The names of the migrations of ``directory``, all of which can be read and loaded; asks no database.

    Raises:
        MigrationRefusedError: when they cannot; see ``read_files`` and ``load_all``.
    """
    return tuple(migration.file.name for migration in load_all(read_files(directory)))


def load(file: MigrationFile) -> Migration:
    """The functions that ``file`` defines. The text that was read is run; the file is not read again.

    Raises:
        MigrationRefusedError: when it cannot be run, or lacks ``async def up(conn)``.
    """
    module = ModuleType(f"platform_migrate.versions.{file.name}")
    module.__file__ = str(file.path)
    sys.modules[module.__name__] = (
        module  # where dataclasses and type hints look names up, also later in up()
    )
    try:
        code = compile(file.text, str(file.path), "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - that is what it is for
    except (Exception, SystemExit) as error:
        sys.modules.pop(module.__name__, None)
        raise MigrationRefusedError(
            f"migration {file.name!r} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    up, down = getattr(module, "up", None), getattr(module, "down", None)
    for name, function, is_required in (("up", up, True), ("down", down, False)):
        if not inspect.iscoroutinefunction(function) and (is_required or function is not None):
            raise MigrationRefusedError(f"migration {file.name!r} must define 'async def {name}(conn)'")
    return Migration(file, up, down, getattr(module, "TRANSACTION", True) is not False)  # type: ignore[arg-type] # checked


def create(name: str, *, directory: Path | None = None) -> Path:
    """A new file with the next free number, to be filled in; the folder is made when it is missing.

    Raises:
        ValueError: when ``name`` is not made of words of ASCII letters and digits.
        MigrationRefusedError: when somebody else takes the same number at this moment.
    """
    words = re.findall(r"[a-z0-9]+", name.lower())
    if not words or not re.fullmatch(r"[A-Za-z0-9 _-]+", name):
        raise ValueError(f"{name!r} is no name for a migration: use words of letters and digits, 'add users'")
    folder = directory or VERSIONS
    folder.mkdir(parents=True, exist_ok=True)
    number = _next_number(folder)
    draft = folder / f".{number:03}.draft"
    try:
        with draft.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.format(title=" ".join(words).capitalize()))
    except FileExistsError as error:
        raise MigrationRefusedError(
            f"migration {number} is just being made by somebody else: try again, "
            f"or delete {str(draft)!r} if it is a leftover"
        ) from error
    try:
        if _next_number(folder) != number:  # asked again, for another draft may have got its name since
            raise MigrationRefusedError(f"migration {number} has just been made by somebody else: try again")
        return draft.rename(folder / f"{number:03}_{'_'.join(words)}.py")
    finally:
        draft.unlink(missing_ok=True)


def _next_number(folder: Path) -> int:
    return max((file.number for file in read_files(folder)), default=0) + 1


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
        raise MigrationRefusedError(f"the same number twice: {'; '.join(twice)}")
