"""The functions that migration files define, which are run here as modules."""

import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType

from platform_interfaces import DatabaseInterface
from platform_migrate.errors import MigrationRefusedError
from platform_migrate.files import MigrationFile, Source, read_sources

Step = Callable[[DatabaseInterface], Awaitable[None]]


@dataclass(frozen=True)
class Migration:
    """A file and the functions it defines."""

    file: MigrationFile
    up: Step
    down: Step | None
    is_transactional: bool


def check_files(sources: Sequence[Source] = (Source(),)) -> tuple[str, ...]:
    """Return the names of all migrations, after reading and loading them; ask no database.

    Raises:
        MigrationRefusedError: when a file cannot be read or loaded; all that cannot be loaded are named.
    """
    return tuple(migration.file.name for migration in load_all(read_sources(sources)))


def load_all(files: Iterable[MigrationFile]) -> list[Migration]:
    """Return what each of ``files`` defines, in their order.

    Raises:
        MigrationRefusedError: when any cannot be loaded; all are named.
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


def load(file: MigrationFile) -> Migration:
    """Return what ``file`` defines. The text that was read is run; the file is not read again.

    Raises:
        MigrationRefusedError: when it cannot be run, or lacks ``async def up(conn)``.
    """
    module = ModuleType(f"platform_migrate.versions.{file.name}")
    module.__file__ = str(file.path)
    # Dataclasses and type hints look names up there, also later in up().
    sys.modules[module.__name__] = module
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
