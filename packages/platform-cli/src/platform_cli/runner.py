"""Running a job from start to clean stop, and its exit code."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from platform_cli import registry
from platform_cli._blame import Owner, attribute
from platform_cli._library_log import library_log
from platform_cli._masking import hide_secrets
from platform_cli._signals import StopSignals
from platform_cli.container import Container
from platform_cli.entry import load_check, load_entry
from platform_cli.failures import (
    CLOSED_PIPE,
    FAILED,
    OutputClosedError,
    describe,
    exit_code,
    fail,
    is_expected,
)
from platform_cli.manifest import Manifest
from platform_cli.migrations import ensure_migrated, report_pending
from platform_cli.settings import Settings
from platform_interfaces import PlatformError

SHUTDOWN_SECONDS = 10.0
"""How long undoing may take in all; what is not undone by then is given up."""

Job = Callable[[Container], Awaitable[int]]


def run_module(manifest: Manifest, config: Mapping[str, Any], settings: Settings, entry: str = "run") -> int:
    """Run ``entry`` of a module on the implementations that the settings choose, and return the exit code.

    Checks come before effects: ``check_<entry>`` of the module, where it has one, is called before migrations
    are applied. A dry run (the argument ``dry-run``) applies none.

    Raises:
        ConfigurationError: when the secret store or the logger cannot be built.
    """

    async def job(container: Container) -> int:
        package = manifest.package.partition(".")[0]
        container.owners[package] = Owner(f"module {manifest.name!r}", is_module=True)
        try:
            return await _run_entry(container, manifest, config, entry)
        except Exception as error:
            if exit_code(error) == FAILED:
                failure = attribute(error, container.owners)
                container.log.error("Job failed", module=manifest.name, error=describe(failure))
            raise

    return run_job(job, settings)


async def _run_entry(container: Container, manifest: Manifest, config: Mapping[str, Any], entry: str) -> int:
    for name in manifest.modules:
        registry.reference("modules", name)
    function, check = load_entry(manifest, entry), load_check(manifest, entry)
    is_dry_run = config.get("dry-run") is True
    context = await container.open_context(
        manifest.interfaces, config, registry.CHANGES_NOTHING if is_dry_run else {}, module=manifest.name
    )
    returned = await check.call(context) if check else None
    if returned or returned is False:  # 0 is what a run returns for success
        raise PlatformError(f"module {manifest.name!r} refused to start: its check returned {returned!r:.80}")
    if "database" in manifest.interfaces:
        await (report_pending if is_dry_run else ensure_migrated)(container, context.db)
    code = await function.run(context)
    if code:
        why = str(getattr(container.log, "last_errors", "")) or "its log says why"
        return fail(PlatformError(f"module {manifest.name!r} returned {code}: {why}"))
    return 0


def run_job(job: Job, settings: Settings) -> int:
    """Run ``job`` until it ends or is interrupted, undo what it opened, and return the exit code.

    An error is told on standard error; at DEBUG the log has its traceback, where that says more.
    """
    container = Container(settings)
    with library_log(container.log), StopSignals() as stop, asyncio.Runner() as runner:
        return runner.run(_supervise(job, container, stop))


async def _supervise(job: Job, container: Container, stop: StopSignals) -> int:
    task = asyncio.ensure_future(job(container))
    stop.watch(task)
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    container.log_settings()  # where it did not come to that
    problem = await _shut_down(container)
    if stop.received:
        container.log.warn("Interrupted", signal=stop.received.name)
        return 128 + stop.received
    if isinstance(outcome, asyncio.CancelledError):
        outcome = PlatformError("the job cancelled itself")
    if isinstance(outcome, BaseException):
        if not is_expected(outcome):
            container.log.debug(
                "Traceback", traceback=hide_secrets("".join(traceback.format_exception(outcome)))
            )
        if isinstance(outcome, OutputClosedError):
            return CLOSED_PIPE
        return fail(attribute(outcome, container.owners))
    return fail(problem) if problem else outcome


async def _shut_down(container: Container) -> PlatformError | None:
    try:
        async with asyncio.timeout(SHUTDOWN_SECONDS):
            await container.lifecycle.shutdown()
    except TimeoutError:
        problem = PlatformError(f"shutdown took longer than {SHUTDOWN_SECONDS:g} s and was given up")
    except ExceptionGroup as group:
        reasons = [describe(attribute(each, container.owners)) for each in group.exceptions]
        problem = PlatformError(f"shutdown failed: {'; '.join(reasons)}")
    else:
        return None
    container.log.error("Shutdown failed", error=str(problem))
    return problem
