"""``platform rejects``: what jobs could not load and have kept, and how it is loaded after all."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from platform_cli._text import printable
from platform_cli.commands._base import PlatformCommand, PlatformGroup
from platform_cli.commands.run import ModuleGroup

if TYPE_CHECKING:
    from platform_cli.container import Container
    from platform_interfaces import FileSystemInterface


@click.group(cls=PlatformGroup)
def rejects() -> None:
    """See, load again or drop the lines that jobs have rejected."""


@rejects.command("list", cls=PlatformCommand)
@click.argument("prefix", default="")
def list_(prefix: str) -> int:
    """List the files with rejected lines, below PREFIX or all: how many, and why."""

    async def show(fs: "FileSystemInterface") -> None:
        from collections import Counter

        from platform_interfaces import read_rejects

        paths = await _kept(fs, prefix)
        for path in paths:
            reasons = Counter([reject.reasons[0].code async for reject in read_rejects(fs, path)])
            counts = ", ".join(f"{code} {count}" for code, count in reasons.most_common())
            _say(f"{_source(path)}  {reasons.total()}  ({counts})")
        if not paths:
            click.echo("nothing is rejected")

    return _run(show)


@rejects.command(cls=PlatformCommand)
@click.argument("prefix")
def show(prefix: str) -> int:
    """Show the rejected lines of a file, or of all files below PREFIX: where, why, and what they say."""

    async def print_each(fs: "FileSystemInterface") -> None:
        from platform_interfaces import read_rejects

        for path in await _found(fs, prefix):
            async for reject in read_rejects(fs, path):
                why = "; ".join(f"{reason.code}: {reason.message}" for reason in reject.reasons)
                _say(f"{reject.file}:{reject.line} (byte {reject.offset}) {why}")
                if reject.raw is not None:
                    _say(f"    {reject.raw.decode(errors='backslashreplace')}")

    return _run(print_each)


@rejects.command(cls=PlatformCommand)
@click.argument("prefix")
def drop(prefix: str) -> int:
    """Forget the rejected lines of a file, or of all files below PREFIX; the files themselves stay."""

    async def delete(fs: "FileSystemInterface") -> None:
        for path in await _found(fs, prefix):
            await fs.delete(path)
            _say(f"dropped {_source(path)}")

    return _run(delete)


@rejects.group(
    cls=ModuleGroup, entry="retry", subcommand_metavar="MODULE [OPTIONS]", short_help="Load what now passes."
)
def retry() -> None:
    """Load what now passes of the lines that a module has rejected.

    The options are those of `platform run`.
    """


def _run(action: Callable[["FileSystemInterface"], Awaitable[None]]) -> int:
    from platform_cli.runner import run_job
    from platform_interfaces import FileSystemError

    async def job(container: "Container") -> int:
        context = await container.open_context(["filesystem"], {})
        try:
            await action(context.fs)
        except ValueError as error:  # what is kept was changed by somebody
            raise FileSystemError(str(error)) from error
        return 0

    return run_job(job, click.get_current_context().obj)


async def _found(fs: "FileSystemInterface", prefix: str) -> list[str]:
    if paths := await _kept(fs, prefix):
        return paths
    raise click.UsageError(f"nothing is kept for {prefix!r}: see 'platform rejects list'")


async def _kept(fs: "FileSystemInterface", prefix: str) -> list[str]:
    """The files of rejects for the source file ``prefix``, or for those below it."""
    from platform_interfaces import REJECTS_FOLDER, rejects_path

    folder = f"{REJECTS_FOLDER}/{prefix}" if prefix else REJECTS_FOLDER
    if prefix and await fs.exists(rejects_path(prefix)):
        return [rejects_path(prefix)]
    return await fs.list(folder)


def _say(line: str) -> None:
    # The names of files and the lines in them come from anywhere; a terminal must not take them for commands.
    click.echo(printable(line))


def _source(path: str) -> str:
    from platform_interfaces import REJECTS_FOLDER

    return path.removeprefix(f"{REJECTS_FOLDER}/").removesuffix(".jsonl")
