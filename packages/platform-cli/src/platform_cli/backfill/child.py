"""A run of one date, in a process of its own."""

import asyncio
import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

from platform_cli._masking import hide_secrets
from platform_cli.arguments import to_words
from platform_cli.backfill.child_log import ChildLog, LineSplitter
from platform_cli.backfill.outcome import DateOutcome, DateStatus
from platform_cli.history.load_key import DATE
from platform_cli.manifest import Manifest
from platform_cli.settings import Settings
from platform_interfaces import FailureKind

STOP_SECONDS = 15.0
"""How long a process may take to end after a signal, less than the backfill has itself; then it is killed."""

PIPE_SECONDS = 2.0
"""How long the pipes of a process that has ended are read on; what it has started may hold them open."""

_STOPPED = {128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGINT, -signal.SIGTERM}


def command_line(manifest: Manifest, arguments: Mapping[str, Any], settings: Settings) -> list[str]:
    """Return the words that run a module with ``arguments``, its log as JSON, where the settings say."""
    chosen = [settings.env, *(each for kind, each in settings.implementations.items() if kind != "logging")]
    flags = [f"{each.origin}={each.value}" for each in chosen if each.origin.startswith("--")]
    if settings.auto_migrate.origin.startswith("--"):
        flags.append("--auto-migrate" if settings.is_auto_migrate else "--no-auto-migrate")
    words = to_words(manifest.arguments, arguments, settings.env.value)
    # -P: the folder that it runs in is not searched for packages, as it is not for the command itself.
    program = [sys.executable, "-P", "-m", "platform_cli.backfill.worker"]
    return [*program, "run", manifest.name, *words, *flags, "--log=json", "--json"]


class _Process(asyncio.SubprocessProtocol):
    """The process: ``has_ended`` once it is gone, ``is_read`` once its output is, too."""

    def __init__(self, log: ChildLog) -> None:
        self.has_ended = asyncio.Event()
        self.is_read = asyncio.Event()
        self._pipes = {1: LineSplitter(log.read_result), 2: LineSplitter(log.read_log)}

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        self._pipes[fd].feed(cast("bytes", data))

    def process_exited(self) -> None:
        self.has_ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        for pipe in self._pipes.values():
            pipe.finish()
        self.is_read.set()


async def run_date(date: dt.date, command: Sequence[str], log: ChildLog) -> DateOutcome:
    """Run ``command`` for ``date``, and return what has become of it.

    When the task is cancelled, the process gets SIGTERM, and ``STOP_SECONDS`` to end; the outcome is returned
    all the same.
    """
    started = time.monotonic()
    words = [*command, f"--{DATE}={date.isoformat()}"]
    try:
        transport, process = await _start(words, log)
    except OSError as error:
        reason = f"its process could not be started: {error.strerror or error}"
        return DateOutcome(date, DateStatus.FAILED, failure_kind=FailureKind.PLATFORM_ERROR, error=reason)
    try:
        was_killed = await _wait(transport, process)
        code = transport.get_returncode()
    finally:
        transport.close()
    return _classify(
        date,
        -signal.SIGKILL if code is None else code,
        log,
        time.monotonic() - started,
        was_killed=was_killed,
    )


async def _start(words: Sequence[str], log: ChildLog) -> tuple[asyncio.SubprocessTransport, _Process]:
    # A level above INFO would leave out how far the run has come; below it is nothing that is read here.
    environment = {**os.environ, "LOG_LEVEL": "INFO"}
    # A group of its own: Ctrl-C in a terminal reaches the backfill alone, which passes it on once.
    return await asyncio.get_running_loop().subprocess_exec(
        lambda: _Process(log), *words, stdin=subprocess.PIPE, env=environment, process_group=0
    )


async def _wait(transport: asyncio.SubprocessTransport, process: _Process) -> bool:
    """Wait for the end of a process; return whether it had to be killed."""
    was_killed = False
    try:
        await process.has_ended.wait()
    except asyncio.CancelledError:
        was_killed = await _stop(transport, process)
    with suppress(TimeoutError):
        await asyncio.wait_for(process.is_read.wait(), PIPE_SECONDS)
    return was_killed


async def _stop(transport: asyncio.SubprocessTransport, process: _Process) -> bool:
    with suppress(ProcessLookupError):
        transport.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.has_ended.wait(), STOP_SECONDS)
    except TimeoutError:
        transport.kill()
        await process.has_ended.wait()
        return True
    return False


def _classify(date: dt.date, code: int, log: ChildLog, seconds: float, *, was_killed: bool) -> DateOutcome:
    result = log.result
    figures = result.get("figures") or {}
    outcome = partial(DateOutcome, date, run_id=log.run_id, seconds=round(seconds, 3), figures=figures)
    if code == 0:
        return outcome(DateStatus.SUCCEEDED)
    if was_killed:
        reason = f"its process did not end within {STOP_SECONDS:g} s after a signal, and was killed"
        return outcome(DateStatus.FAILED, failure_kind=FailureKind.INTERRUPTED, error=reason)
    if code in _STOPPED:
        return outcome(DateStatus.INTERRUPTED, failure_kind=FailureKind.INTERRUPTED)
    kind = result.get("failure_kind") or FailureKind.PLATFORM_ERROR
    error = result.get("error") or hide_secrets(_describe_exit(code, log))
    return outcome(DateStatus.FAILED, failure_kind=str(kind), error=" ".join(error.split()))


def _describe_exit(code: int, log: ChildLog) -> str:
    last = f": {log.text[-1]}" if log.text else ""
    if code >= 0:
        return f"its process ended with exit code {code}{last}"
    name = signal.Signals(-code).name
    return f"its process was killed by {name}{': was there enough memory?' if name == 'SIGKILL' else last}"
