"""``platform migrate``: what state the database's schema is in, and how it gets to another."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from platform_cli.commands._base import PlatformCommand, PlatformGroup, say
from platform_cli.registry import CHANGES_NOTHING
from platform_interfaces import DatabaseInterface, LockTimeoutError

if TYPE_CHECKING:
    from pathlib import Path

    from platform_cli.container import Container
    from platform_migrate import MigrationRun

PENDING = 3
"""``status --check``: something is to be applied, and nothing is wrong."""

REFUSED = 4
"""The files, the history or the request do not fit; nothing was touched."""

LOCKED = 5
"""Another run held the lock all the time, and nothing was touched; or the lock was lost on the way."""

_UNLIMITED = {"DB_POSTGRES_STATEMENT_TIMEOUT": "0"}
"""What migrations run with unless the user says otherwise: the largest table decides how long one takes."""


class _Number(click.ParamType[int]):
    """The number of a migration, with or without the zeros in front of it."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not re.fullmatch("-?[0-9]{1,300}", value):  # no file name holds more digits
            self.fail(
                f"{value!r:.80} is no number of a migration: give the digits that its file name begins with",
                param,
                ctx,
            )
        return int(value)


@click.group(cls=PlatformGroup)
def migrate() -> None:
    """Bring the database's schema up to date, or back."""


_directory = click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, resolve_path=True),
    help="Folder of the migrations. [default: the platform's own; MIGRATIONS_DIR]",
)
_dry_run = click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
_lock_wait = click.option(
    "--lock-wait",
    type=click.IntRange(min=0),
    default=300,
    show_default=True,
    help="Seconds to wait for another run.",
)


@migrate.command(cls=PlatformCommand)
@click.option("--target", type=_Number(), help="Number of the last migration to apply. [default: all]")
@click.option("--allow-out-of-order", is_flag=True, help="Also apply those below one that is applied.")
@_dry_run
@_lock_wait
@_directory
def up(
    target: int | None, allow_out_of_order: bool, dry_run: bool, lock_wait: int, directory: str | None
) -> int:
    """Apply pending migrations."""

    async def apply(work: _Work) -> None:
        done: MigrationRun = await work.migrations.up(
            work.database,
            target,
            directory=work.directory,
            allow_out_of_order=allow_out_of_order,
            dry_run=dry_run,
            lock_wait=lock_wait,
            notify=work.notify,
        )
        _tell("applied", done.applied)
        _tell("would apply", done.planned)
        if not done.applied + done.planned:
            say("no migrations to apply")

    return _on_database(apply, directory, _UNLIMITED | (CHANGES_NOTHING if dry_run else {}))


@migrate.command(cls=PlatformCommand)
@click.option("--count", type=int, help="How many to roll back, the last one first. [default: 1]")
@click.option("--target", type=_Number(), help="Roll back all above this number instead; 0 means all.")
@click.option("--yes", is_flag=True, help="Do it in other environments than local and test, too.")
@_dry_run
@_lock_wait
@_directory
def down(
    count: int | None, target: int | None, yes: bool, dry_run: bool, lock_wait: int, directory: str | None
) -> int:
    """Roll back the last migrations."""
    env = click.get_current_context().obj.env.value
    if count is not None and target is not None:
        raise click.UsageError("--count and --target exclude each other")
    if env not in ("local", "test") and not (yes or dry_run):
        raise click.UsageError(
            f"rolling back in env {env!r} may lose data: add --yes, or --dry-run to see what it would do"
        )

    async def revert(work: _Work) -> None:
        done: MigrationRun = await work.migrations.down(
            work.database,
            1 if count is None else count,
            target=target,
            directory=work.directory,
            dry_run=dry_run,
            lock_wait=lock_wait,
            notify=work.notify,
        )
        _tell("rolled back", done.reverted)
        _tell("would roll back", done.planned)
        if not done.reverted + done.planned:
            say("no migrations to roll back")

    return _on_database(revert, directory, _UNLIMITED | (CHANGES_NOTHING if dry_run else {}))


@migrate.command(cls=PlatformCommand)
@click.option(
    "--check", is_flag=True, help="Exit with 3 if something is pending, with 4 if something is wrong."
)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
@click.option("--offline", is_flag=True, help="Ask no database: only check that the files can be loaded.")
@_directory
def status(check: bool, is_json: bool, offline: bool, directory: str | None) -> int:
    """Show each migration and whether it is applied."""
    if offline and is_json:
        raise click.UsageError(
            "--offline and --json exclude each other: without a database there are no states"
        )
    if offline:
        return _on_files(_list_files, directory)

    async def show(work: _Work) -> int:
        from platform_cli.commands._migration_status import print_json, print_table

        statuses = await work.migrations.status(work.database, directory=work.directory)
        summary = work.migrations.StatusSummary.of(statuses)
        (print_json if is_json else print_table)(statuses, summary)
        if not check:
            return 0
        return REFUSED if summary.problems else PENDING if summary.pending else 0

    return _on_database(show, directory, CHANGES_NOTHING)


@migrate.command(cls=PlatformCommand)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--applied", is_flag=True, help="Record them as applied, with their present text.")
@click.option("--pending", is_flag=True, help="Forget that they were applied.")
@click.option("--through", type=_Number(), help="With --applied: all up to this number, too.")
@_lock_wait
@_directory
def mark(
    names: tuple[str, ...],
    applied: bool,
    pending: bool,
    through: int | None,
    lock_wait: int,
    directory: str | None,
) -> int:
    """Change what is recorded about migrations, and nothing else: no migration is run.

    NAME is that of a file, without .py.
    """
    if applied == pending:
        raise click.UsageError("give either --applied or --pending")
    if pending and through is not None:
        raise click.UsageError("--through goes with --applied only")
    if not names and through is None:
        raise click.UsageError(f"give a NAME{', or --through' if applied else ''}")

    async def change(work: _Work) -> None:
        common = {"lock_wait": lock_wait, "notify": work.notify}
        if pending:
            marked = await work.migrations.mark_pending(work.database, names, **common)
        else:
            marked = await work.migrations.mark_applied(
                work.database, names, through=through, directory=work.directory, **common
            )
        _tell(f"marked as {'pending' if pending else 'applied'}", marked)
        if not marked:
            say("nothing to mark")

    return _on_database(change, directory)


@migrate.command(cls=PlatformCommand)
@click.argument("name")
@_directory
def create(name: str, directory: str | None) -> int:
    """Create a migration file from a template; NAME says what it does."""

    def make(migrations: Any, folder: "Path | None") -> None:
        say(f"created {migrations.create(name, directory=folder)}")

    return _on_files(make, directory)


@dataclass(frozen=True)
class _Work:
    """What a command works with; ``notify`` tells what is no error and yet worth saying."""

    migrations: Any
    database: DatabaseInterface
    directory: "Path | None"
    notify: Callable[[str], None]


def _on_database(
    action: Callable[[_Work], Awaitable[int | None]],
    directory: str | None,
    defaults: Mapping[str, str] = MappingProxyType({}),
) -> int:
    from platform_cli.failures import fail
    from platform_cli.migrations import load_migrate, migrations_directory
    from platform_cli.runner import run_job

    migrations = load_migrate()

    async def job(container: "Container") -> int:
        folder = migrations_directory(container.secrets, directory)
        work = _Work(migrations, await container.open_database(defaults), folder, container.log.warn)
        try:
            return await action(work) or 0
        except migrations.MigrationRefusedError as error:
            fail(error)
            return REFUSED
        except (LockTimeoutError, migrations.MigrationLockLostError) as error:
            fail(error)
            return LOCKED

    return run_job(job, click.get_current_context().obj)


def _on_files(action: Callable[[Any, "Path | None"], None], directory: str | None) -> int:
    from platform_cli.failures import fail
    from platform_cli.migrations import load_migrate, migrations_directory

    migrations = load_migrate()
    try:
        action(migrations, migrations_directory(click.get_current_context().obj.values, directory))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except migrations.MigrationRefusedError as error:
        fail(error)
        return REFUSED
    return 0


def _list_files(migrations: Any, folder: "Path | None") -> None:
    names = migrations.check_files(folder)
    _tell("fine:", names)
    say(f"{len(names)} files, 0 problems")


def _tell(verb: str, names: tuple[str, ...]) -> None:
    for name in names:
        say(f"{verb} {name}")
