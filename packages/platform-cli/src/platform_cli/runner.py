"""Running a job from start to clean stop, and its exit code."""

import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from platform_cli import registry
from platform_cli._blame import Owner, attribute
from platform_cli._library_log import library_log
from platform_cli._masking import hide_secrets
from platform_cli._signals import StopSignals
from platform_cli.container import Container
from platform_cli.ended_run import EndedRun
from platform_cli.entry import load_check, load_entry
from platform_cli.failures import (
    CLOSED_PIPE,
    MISUSED,
    ModuleFailedError,
    OutputClosedError,
    describe,
    exit_code,
    fail,
    is_expected,
)
from platform_cli.manifest import Manifest, read_in_order
from platform_cli.migrations import ensure_migrated, report_pending
from platform_cli.progress import show_progress
from platform_cli.run_options import RunOptions
from platform_cli.run_result import INTERRUPTED, RunResult, log_result
from platform_cli.settings import Settings
from platform_interfaces import FailureKind, Lifecycle, PlatformError, Run

SHUTDOWN_SECONDS = 10.0
"""How long undoing may take in all, and closing the logger after it; what is not done by then is given up."""

DEFAULT_OPTIONS = RunOptions()

Job = Callable[[Container], Awaitable[int]]


class _Ending(NamedTuple):
    """How a job ended: its exit code, and the failure that is reported last."""

    code: int
    failure: BaseException | None = None

    @property
    def why(self) -> tuple[str, str]:
        """Return the failure in words, and its kind."""
        if not self.failure:
            return "", FailureKind.INTERRUPTED if self.code in INTERRUPTED else ""
        return describe(self.failure), getattr(self.failure, "kind", FailureKind.PLATFORM_ERROR)


def _ignore(_: _Ending) -> None:
    """Log nothing: a command prints what it did."""


def run_module(
    manifest: Manifest,
    config: Mapping[str, Any],
    settings: Settings,
    entry: str = "run",
    options: RunOptions = DEFAULT_OPTIONS,
) -> EndedRun:
    """Run ``entry`` of a module on the implementations that the settings choose, and return how it ended.

    Checks come before effects: ``check_<entry>`` of the module, where it has one, is called before migrations
    are applied. A dry run (the argument ``dry-run``) applies none. The last line of the log says how the run
    ended, unless it was refused (exit code 2): then it was never started.

    Raises:
        ConfigurationError: when the secret store or the logger cannot be built.
    """
    run = Run(module=manifest.name, version=manifest.version, arguments=config)
    started = time.monotonic()
    container = Container(settings, {"run_id": run.id, "module": run.module})
    package = manifest.package.partition(".")[0]
    container.owners[package] = Owner(f"module {manifest.name!r}", is_module=True)

    async def job(container: Container) -> int:
        await _run_entry(container, manifest, run, entry)
        return 0

    def log_end(ending: _Ending) -> None:
        results.append(RunResult.of(run, ending.code, time.monotonic() - started, *ending.why))
        if ending.code != MISUSED:
            log_result(container.log, results[0])

    results: list[RunResult] = []
    with show_progress(run, lambda: container.log, settings, options):
        ending = _run_to_end(job, container, log_end)
    error, kind = ending.why
    result = replace(results[0], exit_code=ending.code, error=error, failure_kind=kind)
    if ending.failure and (ending.code == MISUSED or options.is_json or not _is_one_terminal()):
        fail(ending.failure)
    return EndedRun(result, manifest, entry, settings, container.locations)


def _is_one_terminal() -> bool:
    """Return whether the summary is seen where errors are: it says why a run failed."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))


async def _run_entry(container: Container, manifest: Manifest, run: Run, entry: str) -> None:
    read_in_order([manifest.name])  # what it needs must be installed
    function, check = load_entry(manifest, entry), load_check(manifest, entry)
    is_dry_run = run.arguments.get("dry-run") is True
    context = await container.open_context(
        manifest.interfaces, run.arguments, registry.CHANGES_NOTHING if is_dry_run else {}, run
    )
    container.log.debug("Arguments", arguments=dict(run.arguments))
    returned = await check.call(context) if check else None
    if returned or returned is False:  # 0 is what a run returns for success
        raise PlatformError(f"module {manifest.name!r} refused to start: its check returned {returned!r:.80}")
    if "database" in manifest.interfaces:
        await (report_pending if is_dry_run else ensure_migrated)(container, context.db, manifest.name)
    if code := await function.run(context):
        why = str(getattr(container.log, "last_errors", "")) or "its log says why"
        raise ModuleFailedError(f"module {manifest.name!r} returned {code}: {why}")


def run_job(job: Job, settings: Settings) -> int:
    """Run ``job`` until it ends or is interrupted, undo what it opened, and return the exit code.

    An error is reported on standard error; at DEBUG the log has its traceback, where that says more.
    """
    ending = _run_to_end(job, Container(settings), _ignore)
    if ending.failure:
        fail(ending.failure)
    return ending.code


def _run_to_end(job: Job, container: Container, log_end: Callable[[_Ending], None]) -> _Ending:
    with library_log(lambda: container.log), StopSignals() as stop, asyncio.Runner() as runner:
        return runner.run(_supervise(job, container, stop, log_end))


async def _supervise(
    job: Job, container: Container, stop: StopSignals, log_end: Callable[[_Ending], None]
) -> _Ending:
    ending = await _run_and_undo(job, container, stop)
    log_end(ending)
    problem = await _shut_down(container.log_lifecycle, container)
    return _Ending(exit_code(problem), problem) if problem and not ending.code else ending


async def _run_and_undo(job: Job, container: Container, stop: StopSignals) -> _Ending:
    task = asyncio.ensure_future(_contain(job, container))
    stop.watch(task)
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    container.log_settings()  # where the context was never opened
    problem = await _shut_down(container.lifecycle, container)
    if stop.received:
        container.log.warn("Interrupted", signal=stop.received.name)
        return _Ending(128 + stop.received)
    if isinstance(outcome, asyncio.CancelledError):
        outcome = PlatformError("the job cancelled itself")
    if isinstance(outcome, BaseException):
        return _end_with(outcome, container)
    return _Ending(exit_code(problem), problem) if problem else _Ending(outcome)


async def _contain(job: Job, container: Container) -> int | BaseException:
    try:
        return await job(container)
    except (KeyboardInterrupt, SystemExit) as error:
        return error  # raised, it would end the event loop before anything is undone


def _end_with(error: BaseException, container: Container) -> _Ending:
    if not is_expected(error):
        container.log.debug("Traceback", traceback=hide_secrets("".join(traceback.format_exception(error))))
    if isinstance(error, OutputClosedError):
        return _Ending(CLOSED_PIPE)
    failure = attribute(error, container.owners)
    return _Ending(exit_code(failure), failure)


async def _shut_down(lifecycle: Lifecycle, container: Container) -> PlatformError | None:
    try:
        async with asyncio.timeout(SHUTDOWN_SECONDS):
            await lifecycle.shutdown()
    except TimeoutError:
        problem = PlatformError(f"shutdown took longer than {SHUTDOWN_SECONDS:g} s and was given up")
    except BaseException as error:  # noqa: BLE001 - also sys.exit() in a hook: the last line comes all the same
        errors = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        reasons = [describe(attribute(each, container.owners)) for each in errors]
        problem = PlatformError(f"shutdown failed: {'; '.join(reasons)}")
    else:
        return None
    container.log.error("Shutdown failed", error=str(problem))
    return problem
