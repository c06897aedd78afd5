"""The commands; none of them imports more than its help needs before it runs."""

import click

from platform_cli.commands._base import PlatformGroup
from platform_cli.commands.migrate import migrate
from platform_cli.commands.new import new
from platform_cli.commands.rejects import rejects
from platform_cli.commands.run import run


@click.group(
    "platform",
    cls=PlatformGroup,
    commands=[run, migrate, rejects, new],
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


__all__ = ["platform"]
