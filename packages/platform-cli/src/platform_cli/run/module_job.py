"""A run of a module, from its checks to its last line."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from platform_cli import registry
from platform_cli.container import Container
from platform_cli.failures import MISUSED, ModuleFailedError, describe
from platform_cli.history.recorder import RunRecorder, make_record
from platform_cli.history.rivals import name_rivals
from platform_cli.manifest import Manifest
from platform_cli.migrations import ensure_migrated, report_pending
from platform_cli.run.ended_run import EndedRun
from platform_cli.run.entry import Entry, load_entries
from platform_cli.run.job import Ending, Job
from platform_cli.run.result import RunResult, log_result
from platform_cli.settings import Settings
from platform_interfaces import DatabaseInterface, FailureKind, LockTimeoutError, PlatformContext, Run


class ModuleJob(Job):
    """One run of ``entry`` of a module.

    Checks come before effects: ``check_<entry>``, where the module has one, is called before migrations are
    applied. A dry run (the argument ``dry-run``) applies none, and is not recorded. The last line of the log
    says how the run ended, unless it was refused (exit code 2): then it was never started.

    Attributes:
        module_run: the run, as its module sees it.
        container: the adapters of the run.
        is_summarised: whether a summary follows the log on the same terminal.

    Raises:
        ConfigurationError: when the secret store or the logger cannot be built.
    """

    def __init__(self, manifest: Manifest, config: Mapping[str, Any], settings: Settings, entry: str) -> None:
        self._manifest, self._entry = manifest, entry
        self.module_run = Run(
            module=manifest.name, version=manifest.version, arguments=config, save_figures=self._save_figures
        )
        self._started = time.monotonic()
        self._is_dry_run = config.get("dry-run") is True
        self.container = Container(settings, {"run_id": self.module_run.id, "module": manifest.name})
        self.container.add_module(manifest)
        self._recorder = RunRecorder(make_record(self.module_run, entry, settings), self._report_unrecorded)
        self._is_reported = False
        self._logged: RunResult | None = None
        self.is_summarised = False

    async def run(self, container: Container) -> int:
        """Check, migrate, begin the row of the history, and run the module; return 0."""
        name = self._manifest.name
        function, check = load_entries(self._manifest, self._entry)
        context = await self._open(container)
        container.log.debug("Arguments", arguments=dict(self.module_run.arguments))
        if check:
            await check.check(context)
        await self._prepare(container, context)
        if code := await self._call(function, context):
            why = str(getattr(container.log, "last_errors", ""))
            failure = ModuleFailedError(why or f"module {name!r} returned {code}: its log says why")
            # The most important one comes first; compared, because a module may put anything there.
            reported = self.module_run.failures[:1]
            failure.kind = next((kind for kind in FailureKind if kind in reported), failure.kind)
            raise failure
        return 0

    async def _call(self, function: Entry, context: PlatformContext) -> int:
        try:
            return await function.run(context)
        except LockTimeoutError as error:
            rivals = await name_rivals(context.db, self.module_run) if self._uses_database else ""
            if not rivals:
                raise
            raise LockTimeoutError(f"{error}; of the same date, these runs go on: {rivals}") from error

    async def record(self, ending: Ending) -> None:
        """End the row of the history."""
        await self._recorder.end(self._result(ending))

    def report(self, container: Container, ending: Ending) -> None:
        """Log how the run ended."""
        self._logged = self._result(ending)
        if ending.code != MISUSED:
            is_short = self.is_summarised and not self.has_json_log
            log_result(container.log, self._logged, is_short=is_short)

    def end(self, ending: Ending) -> EndedRun:
        """Return how the run ended, now that the logger is closed, too."""
        result = self._result(ending)
        if self._logged:
            result = replace(result, seconds=self._logged.seconds)
        settings, locations = self.container.settings, self.container.locations
        return EndedRun(result, self._manifest, self._entry, settings, locations)

    @property
    def has_json_log(self) -> bool:
        """Return whether the log is for programs."""
        return self.container.settings.implementations["logging"].value == "json"

    @property
    def _uses_database(self) -> bool:
        return "database" in self._manifest.interfaces

    async def _open(self, container: Container) -> PlatformContext:
        defaults = registry.CHANGES_NOTHING if self._is_dry_run else {}
        context = await container.open_context(
            self._manifest.interfaces, self.module_run.arguments, defaults, self.module_run
        )
        if "root" in container.locations:
            self._recorder.set_root(container.locations["root"])
        if self._uses_database and not self._is_dry_run:
            self._recorder.attach(context.db)
        return context

    async def _prepare(self, container: Container, context: PlatformContext) -> None:
        if self._uses_database and self._is_dry_run:
            await report_pending(container, context.db, self._manifest.name)
        elif self._uses_database:
            await ensure_migrated(container, context.db, self._manifest.name)
            await self._recorder.begin()
        elif not self._is_dry_run and container.settings.has_lasting_database:
            self._recorder.begin_elsewhere(self._open_elsewhere)

    async def _open_elsewhere(self) -> DatabaseInterface:
        """Return the database, for a module that does not use it."""
        db = await self.container.open_existing_database()
        if self.container.settings.is_auto_migrate:
            await ensure_migrated(self.container, db, self._manifest.name)
        return db

    async def _save_figures(self) -> None:
        await self._recorder.save_figures(self.module_run)

    def _report_unrecorded(self, reason: str) -> None:
        """Log once that the history lacks the run; in detail only, where no database was chosen."""
        was_chosen = self.container.settings.implementations["database"].origin != "default"
        is_loud = (self._uses_database or was_chosen) and not self._is_reported
        self._is_reported = True
        log = self.container.log.warn if is_loud else self.container.log.debug
        log("The run is not in the history", reason=reason)

    def _result(self, ending: Ending) -> RunResult:
        error = describe(ending.failure) if ending.failure else ""
        seconds = time.monotonic() - self._started
        return RunResult.of(self.module_run, ending.code, seconds, error, ending.kind)
