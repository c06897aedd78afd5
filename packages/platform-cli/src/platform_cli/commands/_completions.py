"""The values that a shell completes, beside the choices that click knows of."""

from typing import TYPE_CHECKING

import click

from platform_cli import registry
from platform_cli.flags import ENV, Flag
from platform_cli.manifest import PLATFORM, read_manifest
from platform_interfaces import ConfigurationError

if TYPE_CHECKING:
    from platform_cli.container import Container

MAX_RUNS = 50
MAX_SECONDS = 2
"""Who has pressed a key does not wait longer for the ids of runs."""

VARIABLE = "_PLATFORM_COMPLETE"
"""The environment variable by which the script of a shell asks for completions."""


def complete_flag(flag: Flag, incomplete: str) -> list[str]:
    """Return the installed adapters, or the environments of the project, that begin with ``incomplete``."""
    if flag == ENV:
        return _beginning(incomplete, _find_environments())
    return _beginning(incomplete, registry.names(flag.kind) if flag.kind else [])


def complete_modules(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of installed modules that begin with ``incomplete``."""
    return _beginning(incomplete, registry.names("modules"))


def complete_owners(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return what owns migrations and begins with ``incomplete``: the platform and some modules."""
    return _beginning(incomplete, [PLATFORM, *filter(_has_migrations, registry.names("modules"))])


def complete_runs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the short ids of the last runs that begin with ``incomplete``, the newest first."""
    import asyncio
    from contextlib import chdir

    from platform_cli.commands._base import resolve_settings
    from platform_cli.history.runs_table import find_runs
    from platform_cli.run.runner import run_job

    found: list[str] = []

    async def find(container: "Container") -> int:
        async with asyncio.timeout(MAX_SECONDS):
            records = await find_runs(await container.open_existing_database(), limit=MAX_RUNS)
        found.extend(record.short_id for record in records)
        return 0

    if not resolve_settings(ctx):
        with chdir(ctx.obj.project):
            run_job(find, ctx.obj)
    return _beginning(incomplete, found)


def _has_migrations(module: str) -> bool:
    try:
        return bool(read_manifest(module).migrations)
    except ConfigurationError:
        return False


def _find_environments() -> list[str]:
    from pathlib import Path

    from platform_cli.env_files import env_names, find_project
    from platform_cli.settings import FILELESS

    project = find_project(Path.cwd())
    return sorted({*(env_names(project) if project else ()), *FILELESS})


def _beginning(incomplete: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
