"""``platform migrate``: what state the database's schema is in, and how it gets to another."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

import click

from platform_cli.commands._base import PlatformCommand, PlatformGroup

if TYPE_CHECKING:
    from pathlib import Path

    from platform_cli.container import Container
    from platform_interfaces import DatabaseInterface
    from platform_migrate import MigrationRun, MigrationStatus


@click.group(cls=PlatformGroup)
def migrate() -> None:
    """Bring the database's schema up to date, or back."""


_directory = click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, resolve_path=True),
    help="Folder of the migrations. [default: the platform's own; MIGRATIONS_DIR]",
)


@migrate.command(cls=PlatformCommand)
@click.option("--target", type=int, help="Number of the last migration to apply. [default: all]")
@_directory
def up(target: int | None, directory: str | None) -> int:
    """Apply pending migrations."""

    async def apply(migrations: Any, database: "DatabaseInterface", folder: "Path | None") -> None:
        done: MigrationRun = await migrations.up(database, target, directory=folder)
        for name in done.applied:
            click.echo(f"applied {name}")
        if not done.applied:
            click.echo("nothing to apply")

    return _run(apply, directory)


@migrate.command(cls=PlatformCommand)
@click.option(
    "--count", type=int, default=1, show_default=True, help="How many to roll back, the last one first."
)
@_directory
def down(count: int, directory: str | None) -> int:
    """Roll back the last migrations."""

    async def revert(migrations: Any, database: "DatabaseInterface", folder: "Path | None") -> None:
        done: MigrationRun = await migrations.down(database, count, directory=folder)
        for name in done.reverted:
            click.echo(f"rolled back {name}")

    return _run(revert, directory)


@migrate.command(cls=PlatformCommand)
@_directory
def status(directory: str | None) -> int:
    """Show each migration and whether it is applied."""

    async def show(migrations: Any, database: "DatabaseInterface", folder: "Path | None") -> None:
        _print_table(await migrations.status(database, directory=folder))

    return _run(show, directory)


@migrate.command(cls=PlatformCommand)
@click.argument("name")
@_directory
def create(name: str, directory: str | None) -> None:
    """Create a migration file from a template; NAME says what it does."""
    from platform_cli.migrations import load_migrate, migrations_directory

    settings = click.get_current_context().obj
    try:
        path = load_migrate().create(name, directory=migrations_directory(settings.values, directory))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"created {path}")


def _run(
    action: Callable[[Any, "DatabaseInterface", "Path | None"], Awaitable[None]], directory: str | None
) -> int:
    from platform_cli.migrations import load_migrate, migrations_directory
    from platform_cli.runner import run_job

    migrations = load_migrate()

    async def job(container: "Container") -> int:
        folder = migrations_directory(container.secrets, directory)
        try:
            await action(migrations, await container.open_database(), folder)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        return 0

    return run_job(job, click.get_current_context().obj)


def _print_table(statuses: "Sequence[MigrationStatus]") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    is_terminal = sys.stdout.isatty()
    table = Table("number", "name", "state", "applied at (UTC)", box=box.SIMPLE_HEAD if is_terminal else None)
    for status in statuses:
        applied_at = (
            status.applied_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if status.applied_at else ""
        )
        table.add_row(f"{status.number:03}", status.name, status.state, applied_at)
    # Whatever reads a pipe has no width that a line must be cut to.
    Console(width=None if is_terminal else 10_000, highlight=False).print(table)
