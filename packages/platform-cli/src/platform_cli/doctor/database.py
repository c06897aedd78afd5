"""The checks of the database that need nothing but its interface."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

from platform_cli import registry
from platform_cli._command_line import to_command
from platform_cli.container import Container
from platform_cli.doctor.examination import Examination
from platform_cli.doctor.rights import check_new_tables, check_temporary_tables, check_use_of
from platform_cli.history.record import RunStatus
from platform_cli.history.runs_table import TABLE, find_runs
from platform_cli.migrations import find_all_sources, find_sources, load_migrate
from platform_interfaces import Check, CheckStatus, DatabaseInterface, DatabaseMissingError, Finding

OPEN_SECONDS = 75.0
"""The embedded server may need a minute to recover from a crash."""

MAX_CLOCK_SECONDS = 5.0

_MAX_NAMES = 3


class DatabaseChecks:
    """The checks of the database that the settings choose.

    Args:
        examination: what makes them.
        container: opens the database.
        module: the module whose migrations are checked; None for all.

    Attributes:
        obstacle: why there is no database to work with; empty where there is one.
    """

    def __init__(self, examination: Examination, container: Container, module: str | None) -> None:
        self._examination, self._container, self._module = examination, container, module
        self._settings = container.settings
        self._db: DatabaseInterface
        self._of_adapter: tuple[Check, ...] = ()
        self.obstacle = ""

    async def make(self) -> None:
        """Make all checks; those after the first are skipped where the database cannot be used."""
        examination = self._examination
        if not await examination.check("database", self._open, seconds=OPEN_SECONDS):
            self.obstacle = "the database is not reachable"
        checks = [*self._of_adapter, *self._list_own()]
        while checks and not self.obstacle:
            check = checks.pop(0)
            is_fine = await examination.check(check.name, check.find)
            if not is_fine and not await self._db.health_check():
                self.obstacle = "the database does not answer any more"
        examination.skip([check.name for check in checks], self.obstacle)

    def _list_own(self) -> list[Check]:
        is_writing_migrations = self._settings.is_auto_migrate
        return [
            Check("clock", self._check_clock),
            Check("new tables", lambda: check_new_tables(self._db, is_needed=is_writing_migrations)),
            Check("temporary tables", lambda: check_temporary_tables(self._db)),
            Check("migrations", self._check_migrations),
            Check("_migrations", self._use_of("_migrations", is_needed=is_writing_migrations)),
            Check("_runs", self._use_of(TABLE, is_needed=False)),
            Check("runs", self._find_running),
        ]

    def _use_of(self, table: str, *, is_needed: bool) -> Callable[[], Any]:
        return lambda: check_use_of(self._db, table, is_needed=is_needed)

    async def _open(self) -> Finding:
        database: DatabaseInterface = await self._container.build_adapter("database")
        self._of_adapter = tuple(database.list_checks())
        started = time.monotonic()
        try:
            self._db = await self._container.open_adapter("database")
        except DatabaseMissingError:
            if self._is_never_made():
                raise
            self.obstacle = "there is no database yet"
            return Finding(CheckStatus.OK, f"{database.location}: not made yet, the first run does that")
        opened = time.monotonic()
        await database.fetch_one("SELECT 1 AS one")
        connecting, asking = 1000 * (opened - started), 1000 * (time.monotonic() - opened)
        return Finding(
            CheckStatus.OK,
            f"{database.location}: open after {connecting:,.0f} ms, a query took {asking:.1f} ms",
        )

    def _is_never_made(self) -> bool:
        secrets = self._container.secrets
        return any(secrets.get(key) == value for key, value in registry.MAKES_NOTHING.items())

    async def _check_clock(self) -> Finding:
        before = dt.datetime.now(dt.UTC)
        row = await self._db.fetch_one("SELECT now() AS now")
        after = dt.datetime.now(dt.UTC)
        if row is None or not isinstance(row["now"], dt.datetime) or row["now"].tzinfo is None:
            return Finding(CheckStatus.SKIPPED, "the database returned no time")
        offset = (row["now"] - before - (after - before) / 2).total_seconds()
        if abs(offset) <= MAX_CLOCK_SECONDS:
            return Finding(CheckStatus.OK, f"{abs(offset):.1f} s from that of this machine")
        side = "ahead of" if offset > 0 else "behind"
        return Finding(
            CheckStatus.WARNING,
            f"that of the database is {abs(offset):,.1f} s {side} that of this machine",
            "have both machines set their clocks by NTP",
        )

    async def _check_migrations(self) -> Finding:
        secrets = self._container.secrets
        if self._module:
            sources = find_sources(secrets, [self._module])
        else:
            sources = find_all_sources(secrets, skip_unreadable=True)
        migrate = load_migrate()
        statuses = await migrate.status(self._db, sources=sources)
        if wrong := [each for each in statuses if each.state.is_problem]:
            text = _list_names([f"{each.name} is {each.state}" for each in wrong])
            return Finding(CheckStatus.FAILED, text, "; ".join(each.note for each in wrong))
        if ahead := [each for each in statuses if each.state == migrate.State.AHEAD]:
            text = _list_names([f"{each.name} was {each.note}" for each in ahead])
            return Finding(CheckStatus.WARNING, text, "install the version that is in use elsewhere")
        pending = [each.name for each in statuses if each.state == migrate.State.PENDING]
        if not pending:
            return Finding(CheckStatus.OK, f"{len(statuses)} applied, none pending")
        text = f"{len(pending)} pending: {_list_names(pending)}"
        if self._settings.is_auto_migrate:
            return Finding(CheckStatus.OK, f"{text}; the next run applies them")
        remedy = to_command("migrate", "up", flags=self._settings.as_flags("database"))
        return Finding(CheckStatus.FAILED, f"{text}; a run is refused until they are applied", remedy)

    async def _find_running(self) -> Finding:
        found = await find_runs(self._db, module=self._module, statuses=[RunStatus.RUNNING])
        if not found:
            return Finding(CheckStatus.OK, "none holds a lock now")
        shown = [
            f"{each.module} {each.short_id} since {each.started_at:%Y-%m-%d %H:%M:%S} UTC on {each.host}"
            for each in found
        ]
        return Finding(CheckStatus.OK, f"{len(found)} under way: {_list_names(shown)}")


def _list_names(names: list[str]) -> str:
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
