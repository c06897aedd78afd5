"""Running a job from start to clean stop, and its exit code."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from platform_cli import registry
from platform_cli._blame import Owner, attribute
from platform_cli._library_log import library_log
from platform_cli._masking import hide_secrets
from platform_cli._signals import StopSignals
from platform_cli.container import Container
from platform_cli.entry import load_check, load_entry
from platform_cli.failures import (
    CLOSED_PIPE,
    MISUSED,
    ModuleFailedError,
    OutputClosedError,
    describe,
    exit_code,
    fail,
    find_kind,
    is_expected,
)
from platform_cli.manifest import Manifest, read_in_order
from platform_cli.migrations import ensure_migrated, report_pending
from platform_cli.run_result import RunResult, log_result
from platform_cli.settings import Settings
from platform_interfaces import FailureKind, Lifecycle, PlatformError, Run

SHUTDOWN_SECONDS = 10.0
"""How long undoing may take in all, and closing the logger after it; what is not done by then is given up."""


class ShutdownError(PlatformError):
    """What a job had opened could not be closed."""

    kind = FailureKind.SHUTDOWN_FAILED


Job = Callable[[Container], Awaitable[int]]


class _Ending(NamedTuple):
    """How a job ended: its exit code, the failure that is reported last, and its kind."""

    code: int
    failure: BaseException | None = None
    kind: FailureKind | None = None


def _fail_with(failure: BaseException) -> _Ending:
    return _Ending(exit_code(failure), failure, find_kind(failure))


def _ignore(_: _Ending) -> None:
    """Log nothing: a command prints what it did."""


def run_module(manifest: Manifest, config: Mapping[str, Any], settings: Settings, entry: str = "run") -> int:
    """Run ``entry`` of a module on the implementations that the settings choose, and return the exit code.

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
        if ending.code != MISUSED:
            error = describe(ending.failure) if ending.failure else ""
            seconds = time.monotonic() - started
            log_result(container.log, RunResult.of(run, ending.code, seconds, error, ending.kind))

    return _run_to_end(job, container, log_end)


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
        raise ModuleFailedError(
            f"module {manifest.name!r} refused to start: its check returned {returned!r:.80}"
        )
    if "database" in manifest.interfaces:
        await (report_pending if is_dry_run else ensure_migrated)(container, context.db, manifest.name)
    if code := await function.run(context):
        why = str(getattr(container.log, "last_errors", "")) or "its log says why"
        failure = ModuleFailedError(f"module {manifest.name!r} returned {code}: {why}")
        # The most important one comes first; compared, because a module may put anything there.
        failure.kind = next((kind for kind in FailureKind if kind in run.failures[:1]), failure.kind)
        raise failure


def run_job(job: Job, settings: Settings) -> int:
    """Run ``job`` until it ends or is interrupted, undo what it opened, and return the exit code.

    An error is reported on standard error; at DEBUG the log has its traceback, where that says more.
    """
    return _run_to_end(job, Container(settings), _ignore)


def _run_to_end(job: Job, container: Container, log_end: Callable[[_Ending], None]) -> int:
    with library_log(lambda: container.log), StopSignals() as stop, asyncio.Runner() as runner:
        ending = runner.run(_supervise(job, container, stop, log_end))
    if ending.failure:
        fail(ending.failure)
    return ending.code


async def _supervise(
    job: Job, container: Container, stop: StopSignals, log_end: Callable[[_Ending], None]
) -> _Ending:
    ending = await _run_and_undo(job, container, stop)
    log_end(ending)
    problem = await _shut_down(container.log_lifecycle, container)
    return _fail_with(problem) if problem and not ending.code else ending


async def _run_and_undo(job: Job, container: Container, stop: StopSignals) -> _Ending:
    task = asyncio.ensure_future(_contain(job, container))
    stop.watch(task)
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    container.log_settings()  # where the context was never opened
    problem = await _shut_down(container.lifecycle, container)
    if stop.received:
        container.log.warn("Interrupted", signal=stop.received.name)
        return _Ending(128 + stop.received, kind=FailureKind.INTERRUPTED)
    if isinstance(outcome, asyncio.CancelledError):
        outcome = ModuleFailedError("the job cancelled itself")
    if isinstance(outcome, BaseException):
        return _end_with(outcome, container)
    return _fail_with(problem) if problem else _Ending(outcome)


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
    return _fail_with(attribute(error, container.owners))


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
