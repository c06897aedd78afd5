"""``platform backfill MODULE``: each installed module with an argument ``date`` is a command."""

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from platform_cli._command_line import to_command
from platform_cli.arguments import to_config, to_example, to_option, to_words
from platform_cli.commands._base import PlatformCommand
from platform_cli.commands.run import ModuleGroup, make_display_options, read_display_options
from platform_cli.manifest import Manifest, read_manifest
from platform_interfaces import ConfigurationError

if TYPE_CHECKING:
    from platform_cli.backfill.main import Backfill
    from platform_cli.backfill.result import BackfillResult
    from platform_cli.settings import Settings

DATE = "date"
DRY_RUN = "dry-run"


class _DateType(click.ParamType[dt.date]):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        from platform_cli.backfill.dates import parse_date

        try:
            return parse_date(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _own_options() -> list[click.Parameter]:
    def choose(name: str, help: str) -> click.Option:  # noqa: A002 - as click calls it
        return click.Option([f"--{name}", "_selection"], flag_value=name, default=None, help=help)

    date = _DateType()
    return [
        click.Option(["--from", "_first"], type=date, required=True, help="First date, YYYY-MM-DD."),
        click.Option(
            ["--to", "_last"], type=date, required=True, help="Last date, YYYY-MM-DD; it is run, too."
        ),
        click.Option(
            ["--parallel", "_parallel"],
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="Dates at a time, each in a process of its own.",
        ),
        choose("missing-only", "Run the dates without any run."),
        choose("failed-only", "Run the dates whose last run failed or was interrupted."),
        choose("all", "Run all dates, also those that are done."),
        click.Option(["--reverse", "_is_reverse"], is_flag=True, help="Begin with the last date."),
        click.Option(
            ["--dry-run", "_is_dry_run"],
            is_flag=True,
            help="Show which dates would be run, and why; run none.",
        ),
        *make_display_options(),
    ]


class BackfillGroup(ModuleGroup):
    """A group with a command for each installed module that has an argument ``date``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in super().list_commands(ctx) if _may_have_date(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        manifest = read_manifest(cmd_name)
        _check(manifest)
        arguments = tuple(each for each in manifest.arguments if each.name not in (DATE, DRY_RUN))
        command = f"{ctx.command_path} {cmd_name} --from 2026-01-01 --to 2026-01-31{to_example(arguments)}"
        return PlatformCommand(
            cmd_name,
            params=[*_own_options(), *map(to_option, arguments)],
            callback=partial(_run, manifest),
            help=manifest.description,
            examples=[f"{command} --dry-run", f"{command} --parallel 4"],
        )


def _may_have_date(name: str) -> bool:
    try:
        return any(each.name == DATE for each in read_manifest(name).arguments)
    except ConfigurationError:
        return True  # it is listed with what is wrong with it


def _check(manifest: Manifest) -> None:
    """Raise when a module cannot be run for each date of a range.

    Raises:
        ConfigurationError: when it takes no date, or an argument has the name of an option of the backfill.
    """
    arguments = {each.name: each for each in manifest.arguments}
    if DATE not in arguments or arguments[DATE].type != "string":
        raise ConfigurationError(
            f"module {manifest.name!r} cannot be backfilled: its module.json has no argument {DATE!r} of the "
            "type string"
        )
    taken = {name for option in _own_options() for name in option.opts}
    if clashes := [name for name in arguments if f"--{name}" in taken and name != DRY_RUN]:
        raise ConfigurationError(
            f"module {manifest.name!r} cannot be backfilled: its argument {clashes[0]!r} has the name of an "
            "option of the backfill; rename it"
        )


def _run(manifest: Manifest, /, *, verbose: bool, quiet: bool, json: bool, **values: Any) -> int:
    from platform_cli._reserved_stdout import reserve_stdout
    from platform_cli.backfill.main import Backfill, run_backfill
    from platform_cli.backfill.plan import Selection

    options, settings = read_display_options(verbose=verbose, quiet=quiet, json=json)
    own = tuple(each for each in manifest.arguments if each.name != DATE)
    defaults = {each.key: each.default for each in own}
    backfill = Backfill(
        manifest=manifest,
        arguments=to_config(own, defaults | values, settings.env.value),
        dates=_list_dates(values),
        selection=Selection(values["_selection"] or Selection.NOT_DONE),
        parallel=values["_parallel"],
        is_dry_run=values["_is_dry_run"],
    )
    if json:
        reserve_stdout()  # the module checks its arguments in this process
    command = _describe_command(backfill, settings)
    return run_backfill(backfill, settings, options, partial(_report, command=command, is_json=json))


def _describe_command(backfill: "Backfill", settings: "Settings") -> str:
    first, last = sorted((backfill.dates[0], backfill.dates[-1]))
    words = ["--from", str(first), "--to", str(last)]
    words += ["--parallel", str(backfill.parallel)] if backfill.parallel > 1 else []
    words += ["--reverse"] if first != backfill.dates[0] else []
    words += to_words(backfill.manifest.arguments, backfill.arguments, settings.env.value)
    flags = settings.as_flags("database", "filesystem", "logging", "secrets")
    return to_command("backfill", backfill.manifest.name, *words, flags=flags)


def _list_dates(values: Mapping[str, Any]) -> list[dt.date]:
    from platform_cli.backfill.dates import list_dates

    try:
        dates = list_dates(values["_first"], values["_last"])
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return dates[::-1] if values["_is_reverse"] else dates


def _report(result: "BackfillResult", *, command: str, is_json: bool) -> None:
    from platform_cli.commands._backfill_view import print_object, print_plan, print_report

    if is_json:
        print_object(result)
    elif result.is_dry_run:
        print_plan(result)
    else:
        print_report(result, command)


@click.group(
    cls=BackfillGroup,
    entry="run",
    subcommand_metavar="MODULE --from DATE --to DATE [OPTIONS]",
    examples=[
        "platform backfill batch_etl --help",
        "platform backfill batch_etl --from 2026-01-01 --to 2026-01-31 --source-path raw/events",
    ],
)
def backfill() -> None:
    """Run a module for each date of a range.

    What is done is not done again. The options of a module are those of `platform run`, but for its date.
    """
