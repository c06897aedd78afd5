"""``platform rejects``: the rejected lines that jobs have stored, and how they are loaded after all."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from platform_cli._command_line import to_command
from platform_cli._text import printable
from platform_cli.commands._base import PlatformCommand, PlatformGroup, say
from platform_cli.commands._json import json_option
from platform_cli.commands.run import ModuleGroup

if TYPE_CHECKING:
    from platform_cli.container import Container
    from platform_interfaces import FileSystemInterface


@click.group(cls=PlatformGroup, examples=["platform rejects list", "platform rejects show raw/events"])
def rejects() -> None:
    """See, load again or drop the lines that jobs have rejected."""


@rejects.command(
    "list", cls=PlatformCommand, examples=["platform rejects list", "platform rejects list raw/events"]
)
@click.argument("prefix", default="")
@json_option
def list_(prefix: str, is_json: bool) -> int:
    """List the files with rejected lines, below PREFIX or all: how many, and why."""

    async def show(fs: "FileSystemInterface") -> None:
        from collections import Counter

        from platform_cli.commands._reject_views import explain_nothing, print_counts, print_counts_json
        from platform_interfaces import find_rejects

        counts: dict[str, Counter[str]] = {}
        try:
            async for reject in find_rejects(fs, prefix):
                counts.setdefault(reject.file, Counter())[reject.reasons[0].code] += 1
        finally:  # an edited line that cannot be read is reported after all others
            if counts:
                (print_counts_json if is_json else print_counts)(counts)
        if not counts:
            nothing = await explain_nothing(fs, prefix)
            print_counts_json(counts) if is_json else say(nothing)

    return _run(show)


@rejects.command(
    cls=PlatformCommand,
    examples=["platform rejects show raw/events/2026-01-15", "platform rejects show raw/events --json"],
)
@click.argument("prefix")
@json_option
def show(prefix: str, is_json: bool) -> int:
    """Show the rejected lines of a file, or of all files below PREFIX: where, why, and their text."""

    async def print_each(fs: "FileSystemInterface") -> None:
        from platform_cli.commands._reject_views import JsonView, TextView
        from platform_interfaces import find_rejects

        view, is_any = JsonView() if is_json else TextView(), False
        try:
            async for reject in find_rejects(fs, prefix):
                is_any = True
                view.add(reject)
        finally:
            if is_any:
                view.end()
        if not is_any:
            raise await _nothing_rejected(fs, prefix)

    return _run(print_each)


@rejects.command(cls=PlatformCommand, examples=["platform rejects drop raw/events/2026-01-15"])
@click.argument("prefix")
def drop(prefix: str) -> int:
    """Forget the rejected lines of a file, or of all files below PREFIX; the files themselves stay."""

    async def forget(fs: "FileSystemInterface") -> None:
        from platform_interfaces import drop_rejects

        dropped = await drop_rejects(fs, prefix)
        for file in sorted(dropped):
            say(printable(f"dropped {file}"))
        if not dropped:
            raise await _nothing_rejected(fs, prefix)

    return _run(forget)


@rejects.group(
    cls=ModuleGroup,
    entry="retry",
    subcommand_metavar="MODULE [OPTIONS]",
    short_help="Load what now passes.",
    examples=["platform rejects retry batch_etl --date 2026-01-15 --source-path raw/events"],
)
def retry() -> None:
    """Load what now passes of the lines that a module has rejected.

    The options are those of `platform run`.
    """


def _run(action: Callable[["FileSystemInterface"], Awaitable[None]]) -> int:
    from platform_cli.run.runner import run_job
    from platform_interfaces import FileSystemError, InvalidPathError

    async def job(container: "Container") -> int:
        context = await container.open_context(["filesystem"], {}, is_quiet=True)
        try:
            await action(context.fs)
        except InvalidPathError as error:
            raise click.UsageError(str(error)) from error
        except ValueError as error:  # a stored line was edited
            raise FileSystemError(str(error)) from error
        return 0

    return run_job(job, click.get_current_context().obj)


async def _nothing_rejected(fs: "FileSystemInterface", prefix: str) -> click.UsageError:
    from platform_cli.commands._reject_views import explain_nothing

    flags = click.get_current_context().obj.as_flags("filesystem")
    command = to_command("rejects", "list", flags=flags)
    return click.UsageError(f"{await explain_nothing(fs, prefix)}: see '{command}'")
