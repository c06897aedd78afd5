"""``platform migrate``: the state of the database's schema, and how to change it."""

from typing import TYPE_CHECKING, Any

import click

from platform_cli.commands._base import PlatformCommand, PlatformGroup, say
from platform_cli.commands._json import json_option
from platform_cli.commands._migrate_context import (
    PENDING,
    REFUSED,
    MigrateContext,
    MigrationNumber,
    directory_option,
    dry_run_option,
    lock_wait_option,
    owner_option,
    print_names,
    run_on_database,
    run_on_files,
)
from platform_cli.commands._migrate_mark import mark
from platform_cli.manifest import PLATFORM
from platform_cli.registry import CHANGES_NOTHING
from platform_interfaces import SecretsInterface

if TYPE_CHECKING:
    from platform_migrate import MigrationRun, Source

_UNLIMITED = {"DB_POSTGRES_STATEMENT_TIMEOUT": "0"}
"""What migrations run with unless the user says otherwise: the largest table decides how long one takes."""


@click.group(cls=PlatformGroup, examples=["platform migrate status", "platform migrate up --db postgres"])
def migrate() -> None:
    """Bring the database's schema up to date, or back.

    The platform and each module number their migrations by themselves. Those of a module are recorded as
    MODULE/NNN_NAME; `--module platform` means the platform's own.
    """


@migrate.command(
    cls=PlatformCommand,
    examples=["platform migrate up --dry-run", "platform migrate up --module orders --target 2"],
)
@owner_option(help="Only the platform's, those of this module and what it needs.")
@click.option(
    "--target",
    type=MigrationNumber(),
    help="Number of the last one to apply, of --module or of the platform's own. [default: all]",
)
@click.option("--allow-out-of-order", is_flag=True, help="Also apply those below one that is applied.")
@dry_run_option
@lock_wait_option
@directory_option
def up(
    module: str | None,
    target: int | None,
    allow_out_of_order: bool,
    dry_run: bool,
    lock_wait: int,
    directory: str | None,
) -> int:
    """Apply pending migrations: the platform's, then those of all installed modules."""

    def find(secrets: SecretsInterface) -> "list[Source]":
        from platform_cli.migrations import find_all_sources, find_sources_of

        if module is None and target is None:
            return find_all_sources(secrets, directory)
        return find_sources_of(secrets, module or PLATFORM, directory)

    async def apply(context: MigrateContext) -> None:
        done: MigrationRun = await context.migrate.up(
            context.database,
            target,
            sources=context.sources,
            allow_out_of_order=allow_out_of_order,
            dry_run=dry_run,
            lock_wait=lock_wait,
            notify=context.notify,
        )
        print_names("applied", done.applied)
        print_names("would apply", done.planned)
        if not done.applied + done.planned:
            say("no migrations to apply")

    return run_on_database(apply, find, _UNLIMITED | (CHANGES_NOTHING if dry_run else {}))


@migrate.command(
    cls=PlatformCommand,
    examples=["platform migrate down --dry-run", "platform migrate down --module orders --target 0 --yes"],
)
@owner_option(default=PLATFORM, show_default=True, help="Whose to roll back.")
@click.option(
    "--count", type=click.IntRange(min=1), help="How many to roll back, the last one first. [default: 1]"
)
@click.option("--target", type=MigrationNumber(), help="Roll back all above this number; 0 means all.")
@click.option("--yes", is_flag=True, help="Do it in other environments than local and test, too.")
@dry_run_option
@lock_wait_option
@directory_option
def down(
    module: str,
    count: int | None,
    target: int | None,
    yes: bool,
    dry_run: bool,
    lock_wait: int,
    directory: str | None,
) -> int:
    """Roll back the last migrations of the platform, or of one module."""
    env = click.get_current_context().obj.env.value
    if count is not None and target is not None:
        raise click.UsageError("--count and --target exclude each other: give one of them")
    if env not in ("local", "test") and not (yes or dry_run):
        raise click.UsageError(
            f"rolling back in env {env!r} may lose data: add --yes, or --dry-run to see what it would do"
        )

    from platform_cli.migrations import find_dependents, find_sources_of

    def find(secrets: SecretsInterface) -> "list[Source]":
        return find_sources_of(secrets, module, directory)

    async def revert(context: MigrateContext) -> None:
        done: MigrationRun = await context.migrate.down(
            context.database,
            1 if count is None else count,
            target=target,
            source=context.sources[-1],
            dependents=find_dependents(module),
            dry_run=dry_run,
            lock_wait=lock_wait,
            notify=context.notify,
        )
        print_names("rolled back", done.reverted)
        print_names("would roll back", done.planned)
        if not done.reverted + done.planned:
            say("no migrations to roll back")

    return run_on_database(revert, find, _UNLIMITED | (CHANGES_NOTHING if dry_run else {}))


@migrate.command(
    cls=PlatformCommand,
    examples=["platform migrate status", "platform migrate status --check --json"],
)
@owner_option(help="Only those of this module. [default: all]")
@click.option("--check", is_flag=True, help="Exit with 3 if one is pending, with 4 if something is wrong.")
@json_option
@click.option("--offline", is_flag=True, help="Ask no database: only check that the files can be loaded.")
@directory_option
def status(module: str | None, check: bool, is_json: bool, offline: bool, directory: str | None) -> int:
    """Show each migration and whether it is applied; warn of modules that cannot be read."""
    if offline and is_json:
        raise click.UsageError(
            "--offline and --json exclude each other: without a database there are no states"
        )

    def find(secrets: SecretsInterface) -> "list[Source]":
        from platform_cli.migrations import find_all_sources, find_sources_of

        if module is None:
            return find_all_sources(secrets, directory, skip_unreadable=not offline)
        return find_sources_of(secrets, module, directory)[-1:]

    def list_files(migrate: Any, secrets: SecretsInterface) -> None:
        names = migrate.check_files(find(secrets))
        print_names("fine:", names)
        say(f"{len(names)} files, 0 problems")

    async def show(context: MigrateContext) -> int:
        from platform_cli.commands._migration_status import print_object, print_statuses, warn_of_unreadable

        is_complete = module is not None or not warn_of_unreadable(context.notify)
        statuses = await context.migrate.status(context.database, sources=context.sources)
        if module is not None:
            statuses = [each for each in statuses if each.state != "not installed"]
        summary = context.migrate.StatusSummary.of(statuses)
        (print_object if is_json else print_statuses)(statuses, summary)
        if not check:
            return 0
        return REFUSED if summary.problems or not is_complete else PENDING if summary.pending else 0

    return run_on_files(list_files) if offline else run_on_database(show, find, CHANGES_NOTHING)


migrate.add_command(mark)


@migrate.command(
    cls=PlatformCommand,
    examples=[
        'platform migrate create "add users"',
        'platform migrate create "add a currency" --module orders',
    ],
)
@click.argument("name")
@owner_option(help="Whose to make. [default: the platform's]")
@directory_option
def create(name: str, module: str | None, directory: str | None) -> int:
    """Create a migration file from a template; NAME says what it does.

    Nothing is written into an installed package: a module must be installed as editable.
    """
    if module and directory:
        raise click.UsageError("--module and --dir exclude each other: --dir is the platform's own folder")

    def make(migrate: Any, secrets: SecretsInterface) -> None:
        from platform_cli.migrations import find_sources_of

        source = find_sources_of(secrets, module or PLATFORM, directory)[-1]
        say(f"created {migrate.create(name, directory=source.directory)}")

    return run_on_files(make)
