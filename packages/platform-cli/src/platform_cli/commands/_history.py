"""What the commands that read the history of runs share."""

import datetime as dt
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from platform_cli.commands._completions import complete_modules

if TYPE_CHECKING:
    from platform_cli.container import Container
    from platform_interfaces import DatabaseInterface

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Since(click.ParamType[dt.datetime]):
    """A time: so long ago, or a date or a timestamp of ISO 8601, in UTC where it has no time zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.datetime:
        try:
            if found := re.fullmatch(r"([0-9]{1,6})([mhdw])", value):
                return dt.datetime.now(dt.UTC) - dt.timedelta(**{_UNITS[found[2]]: int(found[1])})
            time = dt.datetime.fromisoformat(value)
            return time.astimezone(dt.UTC) if time.tzinfo else time.replace(tzinfo=dt.UTC)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r:.80} is not a time: give 30m, 12h, 7d or 2w, or a date such as 2026-01-15",
                param,
                ctx,
            )


since_option = click.option(
    "--since", type=Since(), metavar="TIME", help="Runs that started since: 12h, 7d, 2026-01-15."
)
module_option = click.option(
    "--module", metavar="MODULE", shell_complete=complete_modules, help="Runs of one module."
)


def run_on_history(action: "Callable[[Container], Awaitable[None]]") -> int:
    """Call ``action`` with a container for the settings of the command, and return the exit code."""
    from platform_cli.run.runner import run_job

    async def job(container: "Container") -> int:
        await action(container)
        return 0

    return run_job(job, click.get_current_context().obj)


async def open_history(container: "Container") -> "DatabaseInterface | None":
    """Return the database that runs are recorded in; None where it does not exist yet, so that none was.

    Raises:
        PlatformError: when it cannot be opened.
    """
    from platform_interfaces import DatabaseMissingError

    try:
        return await container.open_existing_database()
    except DatabaseMissingError:
        return None
