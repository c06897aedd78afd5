"""``platform run MODULE``: each installed module is a command, made from its ``module.json``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from platform_cli import registry
from platform_cli.arguments import to_config, to_example, to_option
from platform_cli.commands._base import PlatformCommand, PlatformGroup, say
from platform_cli.failures import MISUSED, OutputClosedError, describe
from platform_cli.manifest import Manifest, read_manifest
from platform_interfaces import ConfigurationError, PlatformError

if TYPE_CHECKING:
    from platform_cli.run.ended_run import EndedRun
    from platform_cli.run.options import RunOptions
    from platform_cli.settings import Settings


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
        return ModuleCommand(manifest, self._entry, f"{ctx.command_path} {cmd_name}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Modules"):
            formatter.write_dl([(name, _summary(name)) for name in self.list_commands(ctx)] or [("none", "")])


def make_display_options() -> list[click.Option]:
    """Return the options for how a run is shown, which ``read_display_options`` reads."""
    return [
        click.Option(["-v", "--verbose"], is_flag=True, help="Log all there is, as LOG_LEVEL=DEBUG does."),
        click.Option(["-q", "--quiet"], is_flag=True, help="Log errors only, and show no progress."),
        click.Option(["--json"], is_flag=True, help="Print the result as one JSON object."),
    ]


def read_display_options(*, verbose: bool, quiet: bool, json: bool) -> "tuple[RunOptions, Settings]":
    """Return how a run is shown, and the settings of the command with what that changes in them.

    Raises:
        UsageError: when the options contradict each other.
    """
    from platform_cli.run.options import RunOptions

    if verbose and quiet:
        raise click.UsageError("options '--verbose' and '--quiet' exclude each other: give one of them")
    options = RunOptions(verbose, quiet, json)
    return options, replace(click.get_current_context().obj, given=options.settings)


class ModuleCommand(PlatformCommand):
    """Calls ``entry`` of a module; its options are the module's arguments and how the run is shown.

    With ``--json``, standard output has the result, also where the command line is refused.
    """

    def __init__(self, manifest: Manifest, entry: str, path: str) -> None:
        super().__init__(
            manifest.name,
            params=[*(to_option(argument) for argument in manifest.arguments), *make_display_options()],
            callback=partial(_run, manifest, entry),
            help=manifest.description,
            examples=[f"{path}{to_example(manifest.arguments)}"],
        )
        self._manifest, self._entry = manifest, entry

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with self._report_refusal(is_json="--json" in args):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with self._report_refusal(is_json=ctx.params["json"]):
            return super().invoke(ctx)

    @contextmanager
    def _report_refusal(self, *, is_json: bool) -> Iterator[None]:
        try:
            yield
        except (click.UsageError, ConfigurationError) as error:
            if is_json:
                from platform_cli.summary.run_json import to_refusal_json

                say(to_refusal_json(self._manifest.name, self._entry, error))
            raise


def _summary(name: str) -> str:
    """Return the first sentence of the description of a module."""
    try:
        manifest = read_manifest(name)
    except ConfigurationError as error:
        return f"cannot be run: {describe(error)}"
    sentence, end, _ = manifest.description.partition(". ")
    return sentence + end.rstrip() or manifest.display_name


def _run(manifest: Manifest, entry: str, /, *, verbose: bool, quiet: bool, json: bool, **values: Any) -> int:
    from platform_cli._reserved_stdout import reserve_stdout
    from platform_cli.run.runner import run_module

    options, settings = read_display_options(verbose=verbose, quiet=quiet, json=json)
    config = to_config(manifest.arguments, values, settings.env.value)
    if json:
        reserve_stdout()
    ended = run_module(manifest, config, settings, entry, options)
    (_print_json if json else _print_summary)(ended)
    return ended.result.exit_code


def _print_json(ended: "EndedRun") -> None:
    from platform_cli.summary.run_json import to_run_json

    say(to_run_json(ended))


def _print_summary(ended: "EndedRun") -> None:
    from platform_cli.summary.text import make_summary, to_styled, to_text

    if ended.result.exit_code == MISUSED:  # it was refused, and standard error says why
        return
    render = to_styled if sys.stdout and sys.stdout.isatty() else to_text
    with suppress(OutputClosedError, PlatformError):  # the log has it, too, and what was loaded is loaded
        say(render(make_summary(ended)))


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
