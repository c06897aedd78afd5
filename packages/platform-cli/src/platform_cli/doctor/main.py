"""The story of an examination: machine, settings, adapters, database, files, module."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from platform_cli.container import Container
from platform_cli.doctor import machine
from platform_cli.doctor.database import OPEN_SECONDS, DatabaseChecks
from platform_cli.doctor.examination import CheckResult, Examination
from platform_cli.doctor.files import FileChecks
from platform_cli.doctor.module import Request, check_module, check_run
from platform_cli.doctor.set_up import check_adapters, check_settings
from platform_cli.interfaces import INTERFACES
from platform_cli.run.runner import run_job
from platform_cli.setting import Setting
from platform_cli.settings import Settings
from platform_interfaces import CheckStatus, Finding

_ALWAYS = {"logging", "secrets"}
_OPENED = "logger and secrets"


def examine(
    settings: Settings,
    request: Request | None,
    notify: Callable[[str], None],
    report: Callable[[list[CheckResult]], None],
) -> int:
    """Check everything that the settings choose, and return the exit code: 1 where a check failed.

    Args:
        settings: those that a run would have.
        request: the module that is checked, too, or None.
        notify: is called with the name of each check before it is made.
        report: is called once with the results, also when the examination is interrupted.
    """

    async def job(container: Container) -> int:
        examination = Examination(settings, notify)
        try:
            await _Examined(examination, settings, request, container).check_all()
        finally:
            report(examination.results)
        return int(any(each.status == CheckStatus.FAILED for each in examination.results))

    # The logger and the secret store of the run are examined, too: none of them reports here.
    plain = {"logging": Setting("pretty", "default"), "secrets": Setting("env", "default")}
    quiet = replace(settings, implementations={**settings.implementations, **plain}, warnings=())
    return run_job(job, quiet)


class _Examined:
    def __init__(
        self, examination: Examination, settings: Settings, request: Request | None, outer: Container
    ) -> None:
        self._examination, self._settings, self._request, self._outer = examination, settings, request, outer
        kinds = request.manifest.interfaces if request else [each.kind for each in INTERFACES]
        self._kinds = {*kinds, *_ALWAYS}
        self._container: Container

    async def check_all(self) -> None:
        await self._check_machine()
        await check_settings(self._examination, self._settings)
        can_run = not self._request or await check_module(self._examination, self._request)
        usable = await check_adapters(self._examination, self._settings, self._kinds)
        obstacle = "" if usable >= _ALWAYS else "the logger or the secret store cannot be used"
        if not obstacle and not await self._examination.check(_OPENED, self._open, seconds=OPEN_SECONDS):
            obstacle = "the logger or the secret store cannot be opened"
        if obstacle:
            self._examination.skip(["database", "files"], obstacle)
            return
        obstacle = await self._check_adapters_at_work(usable)
        if self._request and can_run:
            await check_run(self._examination, self._container, self._request, obstacle)

    async def _check_machine(self) -> None:
        for name, check in (
            ("python", machine.check_python),
            ("packages", machine.check_packages),
            ("open files", machine.check_open_files),
            ("time zones", machine.check_time_zones),
        ):
            await self._examination.check(name, partial(asyncio.to_thread, check))

    async def _open(self) -> Finding:
        """Build the container, to be closed as the outer one is."""
        container = self._container = Container(self._settings)
        self._examination.owners = container.owners
        for name in ("lifecycle", "database_lifecycle", "log_lifecycle"):
            getattr(self._outer, name).on_shutdown(getattr(container, name).shutdown)
        store = await container.open_adapter("secrets")
        return Finding(CheckStatus.OK, f"both are open; values come from {store.sources}")

    async def _check_adapters_at_work(self, usable: set[str]) -> str:
        """Check database and files, and return what keeps a module from them."""
        examination, container, obstacles = self._examination, self._container, []
        for kind in sorted(_ALWAYS):
            for check in (await container.open_adapter(kind)).list_checks():
                await examination.check(check.name, check.find)
        module = self._request.manifest.name if self._request else None
        for kind, name in (("database", "database"), ("filesystem", "files")):
            if kind not in self._kinds:
                continue
            if kind not in usable:
                obstacles.append(f"the adapter of the {name} cannot be used")
                examination.skip([name], obstacles[-1])
                continue
            checks = (
                DatabaseChecks(examination, container, module)
                if kind == "database"
                else FileChecks(examination, container)
            )
            await checks.make()
            obstacles.append(checks.obstacle)
        return next(filter(None, obstacles), "")
