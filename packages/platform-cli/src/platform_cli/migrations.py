"""The migrations of the platform and of modules; ``platform_migrate`` is imported only when it is needed."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_cli import registry
from platform_cli._command_line import to_command
from platform_cli.container import Container
from platform_cli.manifest import PLATFORM, read_in_order
from platform_interfaces import ConfigurationError, DatabaseInterface, SecretsInterface

if TYPE_CHECKING:
    from platform_migrate import MigrationRun, MigrationStatus, Source


def load_migrate() -> Any:
    """Return the module ``platform_migrate``.

    Raises:
        ConfigurationError: when it is not installed; names the command that installs it.
    """
    return registry.load_object("platform_migrate", "the migration runner", "platform-cli[migrate]")


def find_sources(
    secrets: SecretsInterface, modules: Iterable[str] = (), directory: str | None = None
) -> "list[Source]":
    """Return the platform's migrations, then those of what ``modules`` need, each before its own.

    Args:
        secrets: where MIGRATIONS_DIR is looked up, the folder of the platform's own.
        modules: names of installed modules.
        directory: a folder that is used instead of MIGRATIONS_DIR.

    Raises:
        ConfigurationError: when the runner or a module is not installed, or a ``module.json`` is wrong.
    """
    make = load_migrate().Source
    own = directory or secrets.get("MIGRATIONS_DIR")
    return [
        make(Path(own)) if own else make(),
        *(
            make(Path(manifest.migrations), registry.composed(manifest.name))
            for manifest in read_in_order(modules)
            if manifest.migrations
        ),
    ]


def find_sources_of(secrets: SecretsInterface, owner: str, directory: str | None = None) -> "list[Source]":
    """Return what ``owner`` needs, and its own migrations last; it is a module, or ``platform``.

    Raises:
        ConfigurationError: see ``find_sources``; also when the module has no migrations.
    """
    modules = [] if owner == PLATFORM else [owner]
    sources = find_sources(secrets, modules, directory)
    if sources[-1].owner != registry.composed(owner):
        raise ConfigurationError(
            f"module {owner!r} has no migrations: make a folder 'migrations' in its package, and name it in "
            'its module.json: "migrations": "migrations"'
        )
    return sources


def find_all_sources(
    secrets: SecretsInterface, directory: str | None = None, *, skip_unreadable: bool = False
) -> "list[Source]":
    """Return the migrations of the platform, then those of all installed modules.

    Args:
        secrets: see ``find_sources``.
        directory: likewise.
        skip_unreadable: whether modules that cannot be read are ignored.

    Raises:
        ConfigurationError: see ``find_sources``; names what is wrong with all modules.
    """
    names, problems = find_modules()
    if problems and not skip_unreadable:
        way_out = "'--module NAME' is for one module and what it needs, '--module platform' for the platform"
        raise ConfigurationError("\n".join(dict.fromkeys([*map(str, problems), way_out])))
    return find_sources(secrets, names, directory)


def find_modules() -> tuple[list[str], list[ConfigurationError]]:
    """Return the installed modules that can be read with all they need, and what is wrong with the others."""
    found, problems = [], []
    for name in registry.names("modules"):
        try:
            read_in_order([name])
        except ConfigurationError as error:
            problems.append(error)
        else:
            found.append(name)
    return found, problems


def find_dependents(owner: str) -> list[str]:
    """Return the installed modules that need ``owner``, but for those that cannot be read."""
    names, _ = find_modules()
    return [
        name
        for name in names
        if registry.composed(owner) in {registry.composed(each.name) for each in read_in_order([name])[:-1]}
    ]


async def ensure_migrated(container: Container, database: DatabaseInterface, module: str) -> None:
    """Apply what is pending of the platform's and the module's migrations, where the settings allow it.

    Raises:
        ConfigurationError: when something is pending and they do not, or the runner is missing.
        MigrationError: when a migration fails, or files and history do not fit.
        LockTimeoutError: when another run held the lock all the time.
    """
    if container.settings.is_auto_migrate:
        sources = find_sources(container.secrets, [module])
        done: MigrationRun = await load_migrate().up(database, sources=sources, notify=container.log.warn)
        if done.applied:
            container.log.info("Applied migrations", migrations=list(done.applied))
        return
    if unsettled := await _find_unsettled(container, database, module):
        settings = container.settings
        command = to_command("migrate", "up", flags=settings.as_flags("database"))
        raise ConfigurationError(
            f"the database of env {settings.env.value!r} is not up to date: {_in_words(unsettled)}; apply "
            f"pending migrations with '{command}', or run with --auto-migrate"
        )


async def report_pending(container: Container, database: DatabaseInterface, module: str) -> None:
    """Log what a run would have to apply first; a dry run changes nothing.

    Raises:
        ConfigurationError: when the runner is missing.
        MigrationError: when files and history do not fit.
    """
    if unsettled := await _find_unsettled(container, database, module):
        container.log.warn("Migrations are not applied in a dry run", migrations=_in_words(unsettled))


async def _find_unsettled(
    container: Container, database: DatabaseInterface, module: str
) -> dict[str, list[str]]:
    """Return the names of the migrations that are pending or a problem, by their state."""
    sources = find_sources(container.secrets, [module])
    statuses: list[MigrationStatus] = await load_migrate().status(database, sources=sources)
    found: dict[str, list[str]] = {}
    for each in statuses:
        if each.state.is_problem or each.state == "pending":
            found.setdefault(each.state, []).append(each.name)
    return found


def _in_words(unsettled: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {state}"
        for state, names in unsettled.items()
    )
