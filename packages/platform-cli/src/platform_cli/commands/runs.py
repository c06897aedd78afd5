"""``platform runs``: which runs there were, what became of them, and how one is undone."""

import datetime as dt
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from platform_cli.commands._base import PlatformCommand, PlatformGroup, say

if TYPE_CHECKING:
    from platform_cli.container import Container
    from platform_interfaces import DatabaseInterface

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DEFAULT = "list"


class RunsGroup(PlatformGroup):
    """A group whose command ``list`` is meant where the command line names none."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        *_, rest, _ = parser.parse_args(list(args))
        has_command = bool(rest) and not rest[0].startswith("-")
        is_help = bool({"-h", "--help"} & set(args))
        if not has_command and not is_help:
            args = [*args[: len(args) - len(rest)], _DEFAULT, *rest]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)


class Since(click.ParamType[dt.datetime]):
    """A time: so long ago, or a date or a timestamp of ISO 8601, in UTC where it has no time zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.datetime:
        try:
            if found := re.fullmatch(r"([0-9]{1,6})([mhdw])", value):
                return dt.datetime.now(dt.UTC) - dt.timedelta(**{_UNITS[found[2]]: int(found[1])})
            time = dt.datetime.fromisoformat(value)
            return time if time.tzinfo else time.replace(tzinfo=dt.UTC)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r:.80} is not a time: give 30m, 12h, 7d or 2w, or a date such as 2026-01-15",
                param,
                ctx,
            )


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(
    cls=RunsGroup,
    examples=["platform runs", "platform runs --since 7d --failed", "platform runs show 3f9a"],
)
def runs() -> None:
    """See which modules ran, and what became of each run.

    Without a command, the runs are listed: the options are those of `platform runs list`.
    """


@runs.command("list", cls=PlatformCommand, examples=["platform runs list --since 7d --module batch_etl"])
@click.option("--since", type=Since(), metavar="TIME", help="Runs that started since: 12h, 7d, 2026-01-15.")
@click.option("--module", metavar="MODULE", help="Runs of one module.")
@click.option("--failed", is_flag=True, help="Runs that failed or were interrupted.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the newest first."
)
@json_option
def list_(since: dt.datetime | None, module: str | None, failed: bool, limit: int, as_json: bool) -> int:
    """List the last runs, the newest first."""

    async def show(db: "DatabaseInterface") -> None:
        from platform_cli.commands._run_views import print_json, print_runs, to_json
        from platform_cli.history import find_runs
        from platform_cli.run_record import RunStatus

        statuses = (RunStatus.FAILED, RunStatus.INTERRUPTED) if failed else ()
        found = await find_runs(db, module=module, since=since, statuses=statuses, limit=limit)
        if as_json:
            print_json({"runs": [to_json(record) for record in found]})
        elif found:
            print_runs(found)
        else:
            say(await _explain_nothing(db, is_filtered=bool(since or module or failed)))

    return _run(show)


@runs.command(cls=PlatformCommand, examples=["platform runs show 3f9a"])
@click.argument("id_", metavar="ID")
@json_option
def show(id_: str, as_json: bool) -> int:
    """Show all that is known of one run; the first digits of its ID are enough."""

    async def print_one(db: "DatabaseInterface") -> None:
        from platform_cli.commands._run_views import print_json, print_run, to_json
        from platform_cli.history import find_run

        record = await find_run(db, id_)
        if as_json:
            print_json({"run": to_json(record)})
        else:
            print_run(record)

    return _run(print_one)


def _run(action: "Callable[[DatabaseInterface], Awaitable[None]]") -> int:
    from platform_cli.registry import CHANGES_NOTHING
    from platform_cli.runner import run_job

    async def job(container: "Container") -> int:
        await action(await container.open_database(CHANGES_NOTHING))
        return 0

    return run_job(job, click.get_current_context().obj)


async def _explain_nothing(db: "DatabaseInterface", *, is_filtered: bool) -> str:
    from platform_cli.history import has_table

    flags = click.get_current_context().obj.as_flags("database")
    if is_filtered and await has_table(db):
        return f"no run is like that: 'platform runs{flags}' lists the last ones"
    return f"no run is recorded yet: start one with 'platform run MODULE{flags}'"
