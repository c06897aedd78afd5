"""Running a job from start to clean stop, and its exit code."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from platform_cli import registry
from platform_cli._library_log import library_log
from platform_cli._stop import StopSignals
from platform_cli._text import hide_passwords
from platform_cli.container import Container
from platform_cli.failures import FAILED, describe, exit_code, fail, is_told_by_its_message
from platform_cli.manifest import Manifest
from platform_cli.migrations import ensure_migrated
from platform_cli.settings import Settings
from platform_interfaces import PlatformContext, PlatformError

SHUTDOWN_SECONDS = 10.0
"""How long undoing may take in all; what is not undone by then is given up."""

Job = Callable[[Container], Awaitable[int]]


def run_module(manifest: Manifest, config: Mapping[str, Any], settings: Settings, entry: str = "run") -> int:
    """Run ``entry`` of a module on the implementations that the settings choose: the exit code.

    Raises:
        ConfigurationError: when the secret store or the logger cannot be built.
    """

    async def job(container: Container) -> int:
        try:
            run = _load_run(manifest, entry)
            context = await container.open_context(manifest.interfaces, config)
            if "database" in manifest.interfaces:
                await ensure_migrated(container, context.db)
            returned = await _call(run, context)
        except Exception as error:
            if exit_code(error) == FAILED:
                container.log.error("Job failed", module=manifest.name, error=describe(error))
            raise
        if returned == 0 and returned is not False:
            return 0
        shown = repr(returned) if isinstance(returned, int | str | None) else f"a {type(returned).__name__}"
        return fail(PlatformError(f"module {manifest.name!r} returned {shown}: its log says why"))

    return run_job(job, settings)


def run_job(job: Job, settings: Settings) -> int:
    """Run ``job`` until it ends or is interrupted, undo what it opened, and return the exit code.

    An error is told on standard error; at DEBUG the log has its traceback, where that says more.
    """
    container = Container(settings)
    container.log.debug("Settings", **_origins(settings))
    for warning in settings.warnings:
        container.log.warn("Secrets are exposed", reason=warning)
    with library_log(container.log), StopSignals() as stop, asyncio.Runner() as runner:
        return runner.run(_supervise(job, container, stop))


def _origins(settings: Settings) -> dict[str, str]:
    chosen = {"env": settings.env, "auto_migrate": settings.auto_migrate, **settings.implementations}
    return {name: f"{hide_passwords(setting.value)} ({setting.origin})" for name, setting in chosen.items()}


async def _supervise(job: Job, container: Container, stop: StopSignals) -> int:
    task = asyncio.ensure_future(job(container))
    stop.watch(task)
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    problem = await _shut_down(container)
    if stop.received:
        container.log.warn("Interrupted", signal=stop.received.name)
        return 128 + stop.received
    if isinstance(outcome, asyncio.CancelledError):
        outcome = PlatformError("the job cancelled itself")
    if isinstance(outcome, BaseException):
        if not is_told_by_its_message(outcome):
            container.log.debug("Traceback", traceback="".join(traceback.format_exception(outcome)))
        return fail(outcome)
    return fail(problem) if problem else outcome


async def _shut_down(container: Container) -> PlatformError | None:
    try:
        async with asyncio.timeout(SHUTDOWN_SECONDS):
            await container.lifecycle.shutdown()
    except TimeoutError:
        problem = PlatformError(f"shutdown took longer than {SHUTDOWN_SECONDS:g} s and was given up")
    except ExceptionGroup as group:
        problem = PlatformError(f"shutdown failed: {'; '.join(map(describe, group.exceptions))}")
    else:
        return None
    container.log.error("Shutdown failed", error=str(problem))
    return problem


def _load_run(manifest: Manifest, entry: str) -> Callable[[PlatformContext], Awaitable[int]]:
    for name in manifest.modules:
        registry.reference("modules", name)
    run: Callable[[PlatformContext], Awaitable[int]] = registry.load_object(
        f"{manifest.package}.main:{entry}", f"module {manifest.name!r}"
    )
    return run


async def _call(run: Callable[[PlatformContext], Awaitable[int]], context: PlatformContext) -> object:
    try:
        return await run(context)
    except SystemExit as error:
        # Let through, it would end the event loop before anything is undone.
        return error.code or 0
