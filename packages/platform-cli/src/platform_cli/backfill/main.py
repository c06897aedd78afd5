"""A backfill from its start to its report."""

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from platform_cli import registry
from platform_cli.backfill.child import command_line, run_date
from platform_cli.backfill.child_log import ChildLog
from platform_cli.backfill.display import make_display
from platform_cli.backfill.outcome import DateOutcome
from platform_cli.backfill.plan import PlannedDate, Selection, make_plan
from platform_cli.backfill.pool import run_dates
from platform_cli.backfill.result import BackfillResult
from platform_cli.container import Container
from platform_cli.history.load_key import DATE, make_load_key
from platform_cli.history.recorder import make_record
from platform_cli.history.runs_table import find_runs
from platform_cli.manifest import Manifest
from platform_cli.migrations import ensure_migrated, report_pending
from platform_cli.run.entry import load_entries
from platform_cli.run.options import RunOptions
from platform_cli.run.runner import run_job
from platform_cli.settings import Settings
from platform_interfaces import ConfigurationError, DatabaseInterface, PlatformContext, PlatformError, Run


@dataclass(frozen=True)
class Backfill:
    """What is asked for.

    Attributes:
        manifest: of the module.
        arguments: of each run, with their defaults, without the date.
        dates: the range, in the order in which they are run.
        selection: which of them are run.
        parallel: how many at a time.
        is_dry_run: whether the plan is all that is wanted.
    """

    manifest: Manifest
    arguments: Mapping[str, Any]
    dates: Sequence[dt.date]
    selection: Selection
    parallel: int
    is_dry_run: bool


Report = Callable[[BackfillResult], None]


def run_backfill(backfill: Backfill, settings: Settings, options: RunOptions, report: Report) -> int:
    """Run a module for each date that is due, call ``report`` with the result, and return the exit code.

    Settings and arguments are checked, and migrations applied, before the first date is started. The
    connection that this needs stays open until the end, and with it the embedded server.

    Raises:
        ConfigurationError: when the secret store or the logger cannot be built.
    """

    async def job(container: Container) -> int:
        return await _Job(backfill, container, options, report).run()

    return run_job(job, settings)


class _Job:
    def __init__(self, backfill: Backfill, container: Container, options: RunOptions, report: Report) -> None:
        self._backfill, self._container, self._report = backfill, container, report
        self._options = options
        self._manifest, self._settings = backfill.manifest, container.settings
        self._run = Run(
            module=self._manifest.name, version=self._manifest.version, arguments=backfill.arguments
        )
        self._started = time.monotonic()

    async def run(self) -> int:
        context = await self._open()
        plan = await self._plan(context)
        backfill = self._backfill
        result = BackfillResult(
            self._manifest.name, plan, {}, selection=backfill.selection, is_dry_run=backfill.is_dry_run
        )
        due = [planned.date for planned in plan if planned.is_due]
        if due and not result.is_dry_run:
            await self._check(context, due[0])
        if due and "database" in self._manifest.interfaces:
            prepare = report_pending if result.is_dry_run else ensure_migrated
            await prepare(self._container, context.db, self._manifest.name)
        if due and not result.is_dry_run:
            result = await self._run_dates(due, result)
        self._report(self._finish(result))
        return 1 if result.is_failed else 0

    async def _open(self) -> PlatformContext:
        self._warn_of_memory()
        is_dry_run = self._backfill.is_dry_run
        defaults = registry.CHANGES_NOTHING if is_dry_run else {}
        return await self._container.open_context(
            self._manifest.interfaces, self._backfill.arguments, defaults, self._run, is_quiet=is_dry_run
        )

    def _warn_of_memory(self) -> None:
        if "database" in self._manifest.interfaces and not self._container.settings.has_lasting_database:
            self._container.log.warn(
                "The database ends with its process: each date has one of its own, nothing is kept, and no "
                "date counts as done",
                db=self._settings.implementations["database"].value,
            )

    async def _plan(self, context: PlatformContext) -> list[PlannedDate]:
        manifest = self._manifest
        database = await self._find_history(context)
        dates = [date.isoformat() for date in self._backfill.dates]
        runs = await find_runs(database, module=manifest.name, dates=dates) if database else []
        record = make_record(self._run, "run", self._settings, self._container.locations.get("root"))
        wanted = make_load_key(record, manifest.arguments)
        return make_plan(self._backfill.dates, runs, wanted, manifest.arguments, self._backfill.selection)

    async def _find_history(self, context: PlatformContext) -> DatabaseInterface | None:
        """Return the database with the history; None where a module uses none, and there is none."""
        if "database" in self._manifest.interfaces:
            return context.db
        if self._container.settings.has_lasting_database:
            with suppress(PlatformError):
                return await self._container.open_existing_database()
        return None

    async def _check(self, context: PlatformContext, date: dt.date) -> None:
        """Raise what would make every date fail: arguments that are wrong, a module that cannot be loaded.

        Raises:
            ConfigurationError: when that is so.
        """
        self._container.add_module(self._manifest)
        _, check = load_entries(self._manifest, "run")
        context.config = {**self._backfill.arguments, DATE: date.isoformat()}
        try:
            if check:
                await check.check(context)
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 - of this date, whose own run will report it
            self._container.log.debug("The check of the first date failed", date=str(date), error=str(error))

    async def _run_dates(self, due: Sequence[dt.date], result: BackfillResult) -> BackfillResult:
        backfill, log = self._backfill, self._container.log
        command = command_line(self._manifest, backfill.arguments, self._settings)
        outcomes: dict[dt.date, DateOutcome] = {}
        parallel = min(backfill.parallel, len(due))
        log.info("Backfill", dates=len(result.plan), due=len(due), parallel=parallel)
        display = make_display(log, len(due), self._settings, self._options)

        async def run(date: dt.date) -> DateOutcome:
            child_log = ChildLog()
            display.begin(date, child_log)
            outcome = await run_date(date, command, child_log)
            display.end(outcome, child_log)
            return outcome

        try:
            with display.draw():
                stopped = await run_dates(due, run, parallel, outcomes)
        except asyncio.CancelledError:
            interrupted = replace(result, outcomes=outcomes, stopped="interrupted", is_interrupted=True)
            self._report(self._finish(interrupted))
            raise
        return replace(result, outcomes=outcomes, stopped=stopped)

    def _finish(self, result: BackfillResult) -> BackfillResult:
        return replace(result, seconds=time.monotonic() - self._started)
