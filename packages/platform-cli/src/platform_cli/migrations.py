"""Migrations before a module runs; ``platform_migrate`` is imported only when it is needed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_cli import registry
from platform_cli.container import Container
from platform_interfaces import ConfigurationError, DatabaseInterface, SecretsInterface

if TYPE_CHECKING:
    from platform_migrate import MigrationRun, MigrationStatus

_SETTLED = ("applied", "applied (unverified)", "ahead")


def load_migrate() -> Any:
    """The module ``platform_migrate``.

    Raises:
        ConfigurationError: when it is not installed; names the command that installs it.
    """
    return registry.load_object("platform_migrate", "the migration runner", "platform-cli[migrate]")


def migrations_directory(secrets: SecretsInterface, given: str | None = None) -> Path | None:
    """The folder given, else the one MIGRATIONS_DIR names, else None: the migrations the platform ships."""
    directory = given or secrets.get("MIGRATIONS_DIR")
    return Path(directory) if directory else None


async def ensure_migrated(container: Container, database: DatabaseInterface) -> None:
    """Apply what is pending where the settings allow it.

    Raises:
        ConfigurationError: when something is pending and they do not, or the runner is missing.
        MigrationError: when a migration fails, or files and history do not fit.
        LockTimeoutError: when another run held the lock all the time.
    """
    migrate, directory = load_migrate(), migrations_directory(container.secrets)
    if container.settings.is_auto_migrate:
        done: MigrationRun = await migrate.up(database, directory=directory, notify=container.log.warn)
        if done.applied:
            container.log.info("Applied migrations", migrations=list(done.applied))
        return
    if unsettled := await _find_unsettled(container, database):
        settings, flags = container.settings, container.settings.as_flags("database")
        raise ConfigurationError(
            f"the database of env {settings.env.value!r} is not up to date: {_say(unsettled)}; apply pending "
            f"migrations with 'platform migrate up{flags}', or run with --auto-migrate"
        )


async def report_pending(container: Container, database: DatabaseInterface) -> None:
    """Log what a run would have to apply first; a dry run changes nothing.

    Raises:
        ConfigurationError: when the runner is missing.
        MigrationError: when files and history do not fit.
    """
    if unsettled := await _find_unsettled(container, database):
        container.log.warn("Migrations are not applied in a dry run", migrations=_say(unsettled))


async def _find_unsettled(container: Container, database: DatabaseInterface) -> dict[str, list[str]]:
    """Return the names of the migrations that are not settled, by their state."""
    directory = migrations_directory(container.secrets)
    statuses: list[MigrationStatus] = await load_migrate().status(database, directory=directory)
    found: dict[str, list[str]] = {}
    for each in statuses:
        if each.state not in _SETTLED:
            found.setdefault(each.state, []).append(each.name)
    return found


def _say(unsettled: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {state}"
        for state, names in unsettled.items()
    )
