"""What the subcommands of ``platform migrate`` share: their options, and what they work on."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from platform_cli.commands._base import say
from platform_cli.commands._completions import complete_owners
from platform_interfaces import DatabaseInterface, LockTimeoutError, SecretsInterface

if TYPE_CHECKING:
    from platform_cli.container import Container
    from platform_migrate import Source

PENDING = 3
"""``status --check``: a migration is pending, and nothing is wrong."""

REFUSED = 4
"""The files, the history or the request do not fit; nothing was changed."""

LOCKED = 5
"""Another run had the lock all the time, and nothing was changed; or the lock was lost on the way."""


class MigrationNumber(click.ParamType[int]):
    """The number of a migration, with or without the zeros in front of it."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not re.fullmatch("-?[0-9]{1,300}", value):  # no file name holds more digits
            self.fail(
                f"{value!r:.80} is not the number of a migration: "
                "give the digits that its file name starts with",
                param,
                ctx,
            )
        return int(value)


directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, resolve_path=True),
    help="Folder of the platform's migrations. [default: those it ships; MIGRATIONS_DIR]",
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
owner_option = partial(click.option, "--module", metavar="NAME", shell_complete=complete_owners)
lock_wait_option = click.option(
    "--lock-wait",
    type=click.IntRange(min=0),
    default=300,
    show_default=True,
    help="Seconds to wait for another run.",
)


@dataclass(frozen=True)
class MigrateContext:
    """What a subcommand works on.

    Attributes:
        migrate: the package ``platform_migrate``, imported when it is needed.
        database: connected.
        sources: the folders of migrations, with their owners.
        notify: logs a warning.
    """

    migrate: Any
    database: DatabaseInterface
    sources: "Sequence[Source]"
    notify: Callable[[str], None]


def run_on_database(
    action: Callable[[MigrateContext], Awaitable[int | None]],
    find_sources: "Callable[[SecretsInterface], Sequence[Source]]",
    defaults: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Run ``action`` on the database that the settings choose, and return the exit code.

    Args:
        action: returns the exit code; None is 0.
        find_sources: is called before the database is connected.
        defaults: settings of the database, for what is not set.
    """
    from platform_cli.failure_report import fail
    from platform_cli.migrations import load_migrate
    from platform_cli.run.runner import run_job

    migrate = load_migrate()

    async def job(container: "Container") -> int:
        sources = find_sources(container.secrets)
        database = await container.open_database(defaults)
        try:
            return await action(MigrateContext(migrate, database, sources, container.log.warn)) or 0
        except migrate.MigrationRefusedError as error:
            return fail(error, REFUSED)
        except (LockTimeoutError, migrate.MigrationLockLostError) as error:
            return fail(error, LOCKED)

    return run_job(job, click.get_current_context().obj)


def run_on_files(action: Callable[[Any, SecretsInterface], None]) -> int:
    """Call ``action`` with ``platform_migrate`` and the settings, and return the exit code; open nothing."""
    from platform_cli.failure_report import fail
    from platform_cli.migrations import load_migrate

    migrate = load_migrate()
    try:
        action(migrate, click.get_current_context().obj.values)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except migrate.MigrationRefusedError as error:
        return fail(error, REFUSED)
    return 0


def print_names(label: str, names: Sequence[str]) -> None:
    """Print a line for each name."""
    for name in names:
        say(f"{label} {name}")
