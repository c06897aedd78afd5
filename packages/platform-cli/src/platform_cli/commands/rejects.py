"""``platform rejects``: the rejected lines that jobs have stored, and how they are loaded after all."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from platform_cli._command_line import to_command
from platform_cli._text import printable
from platform_cli.commands._base import PlatformCommand, PlatformGroup, say
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
def list_(prefix: str) -> int:
    """List the files with rejected lines, below PREFIX or all: how many, and why."""

    async def show(fs: "FileSystemInterface") -> None:
        from collections import Counter

        from platform_interfaces import find_rejects

        counts: dict[str, Counter[str]] = {}
        try:
            async for reject in find_rejects(fs, prefix):
                counts.setdefault(reject.file, Counter())[reject.reasons[0].code] += 1
        finally:  # an edited line that cannot be read is reported after all others
            for file, reasons in sorted(counts.items()):
                each = ", ".join(f"{code} {count}" for code, count in reasons.most_common())
                _print_safely(f"{file}  {reasons.total()}  ({each})")
        if not counts:
            await fs.list_names("")  # raises where the root itself cannot be read
            say("nothing is rejected")

    return _run(show)


@rejects.command(cls=PlatformCommand, examples=["platform rejects show raw/events/2026-01-15"])
@click.argument("prefix")
def show(prefix: str) -> int:
    """Show the rejected lines of a file, or of all files below PREFIX: where, why, and their text."""

    async def print_each(fs: "FileSystemInterface") -> None:
        from platform_interfaces import find_rejects

        is_any = False
        async for reject in find_rejects(fs, prefix):
            is_any = True
            why = "; ".join(f"{reason.code}: {reason.message}" for reason in reject.reasons)
            _print_safely(f"{reject.file}:{reject.line} (byte {reject.offset}) {why}")
            if reject.raw is not None:
                _print_safely(f"    {reject.raw.decode(errors='backslashreplace')}")
        if not is_any:
            await fs.list_names("")
            raise _nothing_rejected(prefix)

    return _run(print_each)


@rejects.command(cls=PlatformCommand, examples=["platform rejects drop raw/events/2026-01-15"])
@click.argument("prefix")
def drop(prefix: str) -> int:
    """Forget the rejected lines of a file, or of all files below PREFIX; the files themselves stay."""

    async def forget(fs: "FileSystemInterface") -> None:
        from platform_interfaces import drop_rejects

        dropped = await drop_rejects(fs, prefix)
        for file in sorted(dropped):
            _print_safely(f"dropped {file}")
        if not dropped:
            await fs.list_names("")
            raise _nothing_rejected(prefix)

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
        context = await container.open_context(["filesystem"], {})
        try:
            await action(context.fs)
        except InvalidPathError as error:
            raise click.UsageError(str(error)) from error
        except ValueError as error:  # a stored line was edited
            raise FileSystemError(str(error)) from error
        return 0

    return run_job(job, click.get_current_context().obj)


def _nothing_rejected(prefix: str) -> click.UsageError:
    flags = click.get_current_context().obj.as_flags("filesystem")
    return click.UsageError(
        f"nothing is rejected below {prefix!r}: see '{to_command('rejects', 'list', flags=flags)}'"
    )


def _print_safely(line: str) -> None:
    # File names and lines come from outside: a terminal must not take them for commands.
    say(printable(line))
