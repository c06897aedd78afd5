"""``platform runs``: which runs there were, what became of them, and how one is undone."""

import datetime as dt
import sys
from typing import TYPE_CHECKING

import click

from platform_cli._command_line import to_command
from platform_cli.commands._base import DefaultGroup, PlatformCommand, say
from platform_cli.commands._completions import complete_runs
from platform_cli.commands._history import module_option, open_history, run_on_history, since_option
from platform_cli.commands._json import json_option, print_json
from platform_cli.commands.report import report
from platform_cli.failures import DeclinedError

if TYPE_CHECKING:
    from platform_cli.container import Container
    from platform_cli.settings import Settings


class RunsGroup(DefaultGroup):
    """A group whose command ``list`` is meant where the command line names none."""

    default = "list"


@click.group(
    cls=RunsGroup,
    examples=["platform runs", "platform runs --since 7d --failed", "platform runs show 3f9a"],
)
def runs() -> None:
    """See which modules ran, and what became of each run.

    Without a command, the runs are listed: the options are those of `platform runs list`.
    """


runs.add_command(report)


@runs.command(
    RunsGroup.default, cls=PlatformCommand, examples=["platform runs list --since 7d --module batch_etl"]
)
@since_option
@module_option
@click.option("--failed", is_flag=True, help="Runs that failed or were interrupted.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the newest first."
)
@json_option
def list_(since: dt.datetime | None, module: str | None, failed: bool, limit: int, is_json: bool) -> int:
    """List the last runs, the newest first."""
    from platform_cli.commands._run_views import to_json
    from platform_cli.commands._runs_list import print_runs
    from platform_cli.history.record import RunStatus
    from platform_cli.history.runs_table import find_runs

    async def show_all(container: "Container") -> None:
        statuses = (RunStatus.FAILED, RunStatus.INTERRUPTED) if failed else ()
        db = await open_history(container)
        found = await find_runs(db, module=module, since=since, statuses=statuses, limit=limit) if db else []
        if is_json:
            print_json({"runs": [to_json(record) for record in found]})
        elif found:
            print_runs(found)
        else:
            say(_explain_nothing(container.settings, is_filtered=bool(since or module or failed)))

    return run_on_history(show_all)


@runs.command(cls=PlatformCommand, examples=["platform runs show 3f9a"])
@click.argument("id_", metavar="ID", shell_complete=complete_runs)
@json_option
def show(id_: str, is_json: bool) -> int:
    """Show all that is known of one run; the first digits of its ID are enough."""
    from platform_cli.commands._run_views import describe_next, print_run, to_json
    from platform_cli.history.runs_table import find_run

    async def show_one(container: "Container") -> None:
        record = await find_run(await container.open_existing_database(), id_)
        if is_json:
            print_json({"run": to_json(record)})
        else:
            print_run(record)
            say(f"\n{describe_next(record, container.settings)}")

    return run_on_history(show_one)


@runs.command(cls=PlatformCommand, examples=["platform runs compare 3f9a 81c0"])
@click.argument("first", metavar="ID", shell_complete=complete_runs)
@click.argument("second", metavar="ID", shell_complete=complete_runs)
@click.option("--all", "has_all", is_flag=True, help="Show also what is the same.")
@json_option
def compare(first: str, second: str, has_all: bool, is_json: bool) -> int:
    """Show how two runs differ: arguments, versions, figures, seconds and rejects, side by side."""
    from platform_cli.commands._run_views import find_differences, print_comparison, to_json
    from platform_cli.history.runs_table import find_run

    async def show_both(container: "Container") -> None:
        db = await container.open_existing_database()
        records = [await find_run(db, each) for each in (first, second)]
        if is_json:
            differences = find_differences(*records)
            print_json({"runs": [to_json(record) for record in records], "differences": differences})
        else:
            print_comparison(*records, has_all=has_all)

    return run_on_history(show_both)


@runs.command(
    cls=PlatformCommand, examples=["platform runs undo 3f9a", "platform runs undo 3f9a --yes --env staging"]
)
@click.argument("id_", metavar="ID", shell_complete=complete_runs)
@click.option("--yes", is_flag=True, help="Do not ask; needed outside local and test, and in scripts.")
@click.option("--dry-run", is_flag=True, help="Show how many rows would be removed, and remove none.")
def undo(id_: str, yes: bool, dry_run: bool) -> int:
    """Remove exactly the rows that one run has inserted; rejects and files stay."""
    settings = click.get_current_context().obj
    from platform_cli.commands._run_views import describe_reload, describe_undo
    from platform_cli.history.undo import carry_out, plan_undo

    async def undo_one(container: "Container") -> None:
        plan = await plan_undo(container, id_)
        say(describe_undo(plan.record, plan.undo))
        # Of a run that was killed, rows may be on their way: how many it inserted is not known.
        if dry_run or (plan.undo.recorded == 0 and not plan.undo.rows):
            return
        if not yes:
            _check_confirmable(settings.env.value)
        if not (yes or await _ask(f"remove {plan.undo.rows:,} rows?")):
            raise DeclinedError("nothing was removed: it was not confirmed")
        rows = await carry_out(plan)
        say(f"removed {rows:,} rows; to load them again: {describe_reload(plan.record, settings)}")

    return run_on_history(undo_one)


def _check_confirmable(env: str) -> None:
    hint = "add --yes, or --dry-run to see how many"
    if env not in ("local", "test"):
        raise click.UsageError(f"an undo in env {env!r} removes rows: {hint}")
    if not (sys.stdin and sys.stdin.isatty()):
        raise click.UsageError(f"an undo removes rows, and there is no terminal to ask on: {hint}")


async def _ask(question: str) -> bool:
    """Return whether the user confirms; Ctrl-C cancels the question, as anything else in a run."""
    import asyncio

    click.echo(f"{question} [y/N] ", nl=False, err=True)
    answered, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(sys.stdin, answered.set)
    try:
        await answered.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _explain_nothing(settings: "Settings", *, is_filtered: bool) -> str:
    flags = settings.as_flags("database")
    if is_filtered:
        return f"no such run is recorded: '{to_command('runs', flags=flags)}' lists the last ones"
    return f"no run is recorded yet: start one with '{to_command('run', 'MODULE', flags=flags)}'"
