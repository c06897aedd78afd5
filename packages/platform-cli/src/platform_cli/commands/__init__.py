"""The commands: each is imported when it is chosen, and imports little before it runs."""

from importlib import import_module
from typing import TYPE_CHECKING

import click

from platform_cli.commands._base import PlatformGroup

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "run": "Run a module.",
    "backfill": "Run a module for each date of a range.",
    "runs": "See which modules ran, and what became of each run.",
    "rejects": "See, load again or drop the lines that jobs have rejected.",
    "query": "Show the rows of one SQL statement.",
    "migrate": "Bring the database's schema up to date, or back.",
    "modules": "List the installed modules, and why one cannot be run.",
    "adapters": "List the adapters of each interface, and which of them is chosen.",
    "doctor": "Check everything that the settings choose, and say what to do about what is wrong.",
    "config": "Show every setting, its value and where that comes from.",
    "new": "Write a package to begin with: a module or an adapter.",
    "completion": "Print the script that completes command lines in a shell.",
}
"""The commands and what they do, in the order of the help: ``name`` is defined in ``commands/name.py``."""


class _RootGroup(PlatformGroup):
    """The command ``platform``, whose help imports none of its commands: that would take as long as click."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"platform_cli.commands.{cmd_name}"), cmd_name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        found = [name for name in COMMANDS if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=COMMANDS[name]) for name in found]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    "platform",
    cls=_RootGroup,
    examples=[
        "platform run batch_etl --date 2026-01-15 --source-path raw/events",
        "platform migrate status --env staging",
    ],
)
@click.version_option(package_name="platform-cli", message="%(prog)s %(version)s")
def platform() -> None:
    """Run data jobs that are written once, on the infrastructure chosen when they start.

    The options below are accepted anywhere on the command line.
    """


__all__ = ["COMMANDS", "platform"]
