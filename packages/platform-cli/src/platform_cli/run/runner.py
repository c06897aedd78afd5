"""Running a job from start to clean stop, and its exit code."""

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from platform_cli._blame import attribute
from platform_cli._library_log import library_log
from platform_cli._masking import hide_secrets
from platform_cli._signals import StopSignals
from platform_cli.container import Container
from platform_cli.failure_report import fail
from platform_cli.failures import (
    CLOSED_PIPE,
    MISUSED,
    ModuleFailedError,
    OutputClosedError,
    describe,
    is_expected,
)
from platform_cli.manifest import Manifest
from platform_cli.progress.display import show_progress
from platform_cli.reporting import REPORTING
from platform_cli.run.ended_run import EndedRun
from platform_cli.run.job import Ending, Job
from platform_cli.run.module_job import ModuleJob
from platform_cli.run.options import RunOptions
from platform_cli.settings import Settings
from platform_interfaces import FailureKind, Lifecycle, PlatformError

SHUTDOWN_SECONDS = 10.0
"""How long closing may take: what a module has opened, then the database, then the logger."""

DEFAULT_OPTIONS = RunOptions()


class ShutdownError(PlatformError):
    """What a job had opened could not be closed."""

    kind = FailureKind.SHUTDOWN_FAILED


def run_module(
    manifest: Manifest,
    config: Mapping[str, Any],
    settings: Settings,
    entry: str = "run",
    options: RunOptions = DEFAULT_OPTIONS,
) -> EndedRun:
    """Run ``entry`` of a module on the implementations that the settings choose, and return how it ended.

    Raises:
        ConfigurationError: when the secret store or the logger cannot be built.
    """
    job = ModuleJob(manifest, config, settings, entry)
    job.is_summarised = not options.is_json and _is_one_terminal()
    with show_progress(job.module_run, lambda: job.container.log, settings, options):
        ending = _run_to_end(job, job.container)
    # The last line of a log for programs has the error; text behind it would not be JSON.
    is_reported = ending.code != MISUSED and (job.is_summarised or job.has_json_log)
    if ending.failure and (not is_reported or (job.has_json_log and REPORTING.shows_trace)):
        fail(ending.failure)
    return job.end(ending)


def _is_one_terminal() -> bool:
    """Return whether what standard output shows is seen where errors are."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))


def run_job(work: Callable[[Container], Awaitable[int]], settings: Settings) -> int:
    """Run ``work`` until it ends or is interrupted, undo what it opened, and return the exit code.

    An error is reported on standard error; at DEBUG the log has its traceback, where that says more.
    """
    ending = _run_to_end(Job(work), Container(settings))
    if ending.failure:
        fail(ending.failure)
    return ending.code


def _run_to_end(job: Job, container: Container) -> Ending:
    with library_log(lambda: container.log), StopSignals() as stop, asyncio.Runner() as runner:
        return runner.run(_supervise(job, container, stop))


async def _supervise(job: Job, container: Container, stop: StopSignals) -> Ending:
    ending = await _run(job, container, stop)
    ending = ending.followed_by(await _shut_down(container.lifecycle, container))
    if stop.received:
        container.log.warn("Interrupted", signal=stop.received.name)
    await job.record(ending)
    ending = ending.followed_by(await _shut_down(container.database_lifecycle, container))
    job.report(container, ending)
    return ending.followed_by(await _shut_down(container.log_lifecycle, container))


async def _run(job: Job, container: Container, stop: StopSignals) -> Ending:
    task = asyncio.ensure_future(_contain(job, container))
    stop.watch(task)
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    container.log_settings()  # where the context was never opened
    if stop.received:
        return Ending(128 + stop.received, kind=FailureKind.INTERRUPTED)
    if isinstance(outcome, asyncio.CancelledError):
        outcome = ModuleFailedError("the job cancelled itself")
    return _end_with(outcome, container) if isinstance(outcome, BaseException) else Ending(outcome)


async def _contain(job: Job, container: Container) -> int | BaseException:
    try:
        return await job.run(container)
    except (KeyboardInterrupt, SystemExit) as error:
        return error  # raised, it would end the event loop before anything is undone


def _end_with(error: BaseException, container: Container) -> Ending:
    if not is_expected(error):
        container.log.debug("Traceback", traceback=hide_secrets("".join(traceback.format_exception(error))))
    if isinstance(error, OutputClosedError):
        return Ending(CLOSED_PIPE)
    return Ending.of(attribute(error, container.owners))


async def _shut_down(lifecycle: Lifecycle, container: Container) -> ShutdownError | None:
    try:
        async with asyncio.timeout(SHUTDOWN_SECONDS):
            await lifecycle.shutdown()
    except TimeoutError:
        problem = ShutdownError(f"shutdown took longer than {SHUTDOWN_SECONDS:g} s and was given up")
    except BaseException as error:  # noqa: BLE001 - also sys.exit() in a hook: the last line comes all the same
        errors = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        reasons = [describe(attribute(each, container.owners)) for each in errors]
        problem = ShutdownError(f"shutdown failed: {'; '.join(reasons)}")
    else:
        return None
    container.log.error("Shutdown failed", error=str(problem))
    return problem
