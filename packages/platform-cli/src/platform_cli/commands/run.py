"""``platform run MODULE``: each installed module is a command, made from its ``module.json``."""

from functools import partial
from typing import Any

import click

from platform_cli import registry
from platform_cli.arguments import to_config, to_example, to_option
from platform_cli.commands._base import PlatformCommand, PlatformGroup
from platform_cli.failures import describe
from platform_cli.manifest import Manifest, read_manifest
from platform_interfaces import ConfigurationError


class ModuleGroup(PlatformGroup):
    """A group with a command for each installed module, which calls ``entry`` of its ``main.py``."""

    def __init__(self, *args: Any, entry: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._entry = entry

    def list_commands(self, ctx: click.Context) -> list[str]:
        return registry.names("modules")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        try:
            manifest = read_manifest(cmd_name)
        except ConfigurationError:
            if ctx.resilient_parsing:  # for completion, which shows those that can be run
                return None
            raise
        return PlatformCommand(
            cmd_name,
            params=[to_option(argument) for argument in manifest.arguments],
            callback=partial(_run, manifest, self._entry),
            help=manifest.description,
            examples=[f"{ctx.command_path} {cmd_name}{to_example(manifest.arguments)}"],
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Modules"):
            formatter.write_dl([(name, _summary(name)) for name in self.list_commands(ctx)] or [("none", "")])


def _summary(name: str) -> str:
    try:
        return read_manifest(name).display_name
    except ConfigurationError as error:
        return f"cannot be run: {describe(error)}"


def _run(manifest: Manifest, entry: str, /, **values: Any) -> int:
    from platform_cli.runner import run_module

    settings = click.get_current_context().obj
    config = to_config(manifest.arguments, values, settings.env.value)
    return run_module(manifest, config, settings, entry)


@click.group(
    cls=ModuleGroup,
    entry="run",
    subcommand_metavar="MODULE [OPTIONS]",
    examples=[
        "platform run batch_etl --help",
        "platform run batch_etl --date 2026-01-15 --source-path raw/events --dry-run",
    ],
)
def run() -> None:
    """Run a module.

    `platform run MODULE -h` lists its arguments.
    """
