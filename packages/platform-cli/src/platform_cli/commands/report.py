"""``platform runs report``: a page with charts about the runs."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from platform_cli.commands._base import PlatformCommand, say
from platform_cli.commands._history import module_option, open_history, run_on_history, since_option

if TYPE_CHECKING:
    from pathlib import Path

    from platform_cli.container import Container

MAX_RUNS = 10_000
"""Of one page, the latest; so that its size and the time it takes are bounded."""

_STANDARD_OUTPUT = "-"


class PageFile(click.Path):
    """The file to write, in a folder that exists; ``-`` is standard output."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from pathlib import Path

        if value == _STANDARD_OUTPUT:
            return Path(value)
        # Absolute here, because a command runs in the directory of the project.
        path = Path(value).absolute()
        if path.is_dir():
            self.fail(f"{value!r} is a directory: name a file in it, such as {str(path / 'report.html')!r}")
        if not path.parent.is_dir():
            self.fail(f"{value!r} cannot be written: make the directory {str(path.parent)!r} first")
        return path


@click.command(cls=PlatformCommand, examples=["platform runs report --out report.html --since 30d"])
@click.option(
    "--out", "file", type=PageFile(), required=True, metavar="FILE", help="File to write; - prints it."
)
@since_option
@module_option
def report(file: "Path", since: dt.datetime | None, module: str | None) -> int:
    """Write a page about the runs: one HTML file with charts, which needs no server and no script.

    Rows per day, rejects by reason, durations, missing dates, and the latest runs.
    """
    from platform_cli._render import show
    from platform_cli._whole_file import write_whole_file
    from platform_cli.history.runs_table import find_runs
    from platform_cli.registry import load_object

    render_report = load_object("platform_cli.report:render_report", "the report", "platform-cli[report]")

    async def write(container: "Container") -> None:
        db = await open_history(container)
        found = await find_runs(db, module=module, since=since, limit=MAX_RUNS + 1) if db else []
        scope = {"module": module, "since": since and since.strftime("%Y-%m-%d %H:%M %Z")}
        page = render_report(
            found[:MAX_RUNS],
            dt.datetime.now(dt.UTC),
            scope={name: value for name, value in scope.items() if value},
            has_older=len(found) > MAX_RUNS,
        )
        if str(file) == _STANDARD_OUTPUT:
            say(page)
            return
        size = write_whole_file(file, page)
        runs = "1 run" if len(found) == 1 else f"{min(len(found), MAX_RUNS):,} runs"
        say(f"wrote {show(str(file))}: {runs}, {-(-size // 1000):,} kB")

    return run_on_history(write)
