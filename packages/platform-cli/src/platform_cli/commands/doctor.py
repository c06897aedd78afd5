"""``platform doctor``: everything that the settings choose, checked."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import click

from platform_cli import registry
from platform_cli.arguments import to_config, to_example, to_option
from platform_cli.commands._base import DefaultGroup, PlatformCommand
from platform_cli.commands.run import ModuleGroup
from platform_cli.manifest import Manifest, read_manifest
from platform_interfaces import ConfigurationError

_HELP = """Check everything that the settings choose, and say what to do about what is wrong.

    Nothing is changed. With a module, what it needs is checked; with the arguments of a run, its input and
    its target, too. Exit code 1 means that a check failed."""


def _json_option() -> click.Option:
    return click.Option(["--json", "is_json"], is_flag=True, help="Print one JSON object.")


class DoctorGroup(DefaultGroup, ModuleGroup):
    """A group with a command for each module, and one without a name for no module in particular."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if not cmd_name:
            return PlatformCommand("", params=[_json_option()], callback=partial(_examine, None), help=_HELP)
        try:
            manifest = read_manifest(cmd_name)
        except ConfigurationError:
            if ctx.resilient_parsing:
                return None
            raise
        return _make_command(manifest, f"{ctx.command_path} {cmd_name}")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return registry.names("modules")


def _make_command(manifest: Manifest, path: str) -> PlatformCommand:
    options = [to_option(replace(each, is_required=False)) for each in manifest.arguments]
    return PlatformCommand(
        manifest.name,
        params=[_json_option(), *options],
        callback=partial(_examine, manifest),
        help=f"Check what {manifest.name} needs; with the arguments of a run, its input and target, too.",
        examples=[f"{path}{to_example(manifest.arguments)}"],
    )


@click.group(
    cls=DoctorGroup,
    entry="run",
    params=[_json_option()],
    subcommand_metavar="[MODULE] [OPTIONS]",
    help=_HELP,
    examples=[
        "platform doctor --env staging",
        "platform doctor batch_etl --date 2026-01-15 --source-path raw/events",
    ],
)
def doctor(is_json: bool) -> None:
    """Do nothing: a command of the group does all."""


def _examine(manifest: Manifest | None, /, is_json: bool, **values: Any) -> int:
    from platform_cli.commands._doctor_view import CheckRow, print_json, print_results
    from platform_cli.doctor.main import examine
    from platform_cli.doctor.module import Request
    from platform_cli.progress.display import can_draw, draw_rows

    context = click.get_current_context()
    settings, request = context.obj, None
    is_json |= bool(context.parent and context.parent.params.get("is_json"))
    if manifest:
        required = [each for each in manifest.arguments if each.is_required]
        missing = [f"--{each.name}" for each in required if values[each.key] is None]
        request = Request(manifest, to_config(manifest.arguments, values, settings.env.value), missing)
    row = CheckRow()
    report = partial(print_json if is_json else print_results, settings, request)
    with draw_rows(row.render) if can_draw(settings) else nullcontext():
        return examine(settings, request, row.show, report)
