"""The runs that go on beside another one, which may hold what it needs."""

import datetime as dt
from contextlib import suppress

from platform_cli.history.load_key import DATE
from platform_cli.history.record import RunStatus
from platform_cli.history.runs_table import find_runs
from platform_interfaces import DatabaseInterface, PlatformError, Run


async def name_rivals(db: DatabaseInterface, run: Run) -> str:
    """Return the other runs of the same module and date that go on, in words; empty where none is known."""
    date = run.arguments.get(DATE)
    if not isinstance(date, str):
        return ""
    with suppress(PlatformError):
        found = await find_runs(db, module=run.module, statuses=[RunStatus.RUNNING], dates=[date])
        return ", ".join(
            f"{each.short_id} on {each.host} since {each.started_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
            for each in found
            if each.id != run.id
        )
    return ""
