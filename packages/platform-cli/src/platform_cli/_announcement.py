"""What a run logs before it begins: where it works, and where its settings come from."""

from collections.abc import Callable, Mapping
from typing import Any

from platform_cli._masking import hide_secrets
from platform_cli.settings import Settings
from platform_interfaces import DatabaseInterface, FileSystemInterface, LoggingInterface, Run


def log_locations(
    log: LoggingInterface, settings: Settings, built: Mapping[str, Any], run: Run | None, *, is_quiet: bool
) -> Mapping[str, str]:
    """Log the module, the environment, and the database and the root of the files that were built.

    With ``is_quiet`` it is logged at DEBUG.

    Returns:
        the fields.
    """
    shown = {"module": run.module} if run else {}
    shown["env"] = settings.env.value
    database: DatabaseInterface | None = built.get("database")
    fs: FileSystemInterface | None = built.get("filesystem")
    if database:
        name = settings.implementations["database"].value
        shown |= {"db": name, "database": _find_location(lambda: database.location)}
    if fs:
        shown |= {"fs": settings.implementations["filesystem"].value, "root": _find_location(fs.locate)}
    (log.debug if is_quiet else log.info)("Run", **shown)
    return shown


def log_settings(log: LoggingInterface, settings: Settings) -> None:
    """Log where the settings come from, and what to mend in them."""
    chosen = {"env": settings.env, "auto_migrate": settings.auto_migrate, **settings.implementations}
    origins = {name: f"{hide_secrets(each.value)} ({each.origin})" for name, each in chosen.items()}
    log.debug("Settings", **origins)
    for subject, reason in settings.warnings:
        log.warn(subject, reason=reason)


def _find_location(find: Callable[[], object]) -> str:
    """Return where an adapter works, without secrets; an error of the adapter does not stop the run."""
    try:
        location = find()
    except Exception as error:  # noqa: BLE001 - an adapter's property may raise anything
        return f"unknown ({type(error).__name__})"
    return hide_secrets(location) if isinstance(location, str) else "unknown"
