"""The commands: each is imported when it is chosen, and imports little before it runs."""

from importlib import import_module

import click

from platform_cli.commands._base import PlatformGroup

COMMANDS = {
    "run": "Run a module.",
    "runs": "See which modules ran, and what became of each run.",
    "rejects": "See, load again or drop the lines that jobs have rejected.",
    "migrate": "Bring the database's schema up to date, or back.",
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
