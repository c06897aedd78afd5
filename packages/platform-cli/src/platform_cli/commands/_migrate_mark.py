"""``platform migrate mark``."""

from typing import TYPE_CHECKING

import click

from platform_cli.commands._base import PlatformCommand, say
from platform_cli.commands._migrate_context import (
    MigrateContext,
    MigrationNumber,
    directory_option,
    lock_wait_option,
    owner_option,
    print_names,
    run_on_database,
)
from platform_cli.manifest import PLATFORM
from platform_interfaces import SecretsInterface

if TYPE_CHECKING:
    from platform_migrate import Source


@click.command(
    cls=PlatformCommand,
    examples=[
        "platform migrate mark orders/001_create_orders --applied",
        "platform migrate mark --applied --through 3",
    ],
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--applied", is_flag=True, help="Record them as applied, with their present text.")
@click.option("--pending", is_flag=True, help="Forget that they were applied.")
@click.option("--through", type=MigrationNumber(), help="With --applied: all up to this number of --module.")
@owner_option(default=PLATFORM, show_default=True, help="Whose number --through is.")
@lock_wait_option
@directory_option
def mark(
    names: tuple[str, ...],
    applied: bool,
    pending: bool,
    through: int | None,
    module: str,
    lock_wait: int,
    directory: str | None,
) -> int:
    """Change what is recorded about migrations, and nothing else: no migration is run.

    NAME is as `platform migrate status` shows it: NNN_NAME, or MODULE/NNN_NAME.
    """
    if applied == pending:
        raise click.UsageError("give either --applied or --pending")
    if pending and through is not None:
        raise click.UsageError("--through goes with --applied only")
    if not names and through is None:
        raise click.UsageError(f"give a NAME{', or --through' if applied else ''}")

    def find(secrets: SecretsInterface) -> "list[Source]":
        from platform_cli.migrations import find_sources, find_sources_of

        owners = {name.rpartition("/")[0] for name in names if applied} - {"", module}
        own = find_sources_of(secrets, module, directory)[-1:]
        others = find_sources(secrets, owners, directory)
        return [source for source in others if source not in own] + own

    async def change(context: MigrateContext) -> None:
        common = {"lock_wait": lock_wait, "notify": context.notify}
        if pending:
            marked = await context.migrate.mark_pending(context.database, names, **common)
        else:
            marked = await context.migrate.mark_applied(
                context.database, names, through=through, sources=context.sources, **common
            )
        print_names(f"marked as {'pending' if pending else 'applied'}", marked)
        if not marked:
            say("nothing to mark")

    return run_on_database(change, find)
