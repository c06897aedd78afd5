"""Report a failure: to people in lines, to programs as a line of the log and an object on standard output."""

import sys
from contextlib import suppress

import click

from platform_cli._masking import hide_secrets
from platform_cli._reserved_stdout import result_stream
from platform_cli._text import printable
from platform_cli.failures import (
    CLOSED_PIPE,
    AdapterFailedError,
    ModuleFailedError,
    describe,
    exit_code,
    find_kind,
)
from platform_cli.reporting import REPORTING
from platform_interfaces import FailureKind

VERSION = 1
"""That of the object; it goes up when a field changes its meaning or goes away."""

_BLAMED = ModuleFailedError | AdapterFailedError


def fail(error: BaseException, code: int | None = None) -> int:
    """Write to standard error what failed, and return the exit code: ``code``, or that of the error."""
    REPORTING.failure = error
    code = exit_code(error) if code is None else code
    with suppress(OSError):  # a closed pipe, a full disk: the exit code still says it
        (_log if REPORTING.has_json_log else _print)(error, code)
    return code


def answer_failure(code: int) -> None:
    """Write one JSON object about a failure to standard output, where ``--json`` has had no other answer."""
    if not REPORTING.has_json_result or REPORTING.is_answered or code in (0, CLOSED_PIPE):
        return
    from platform_cli._render import to_json

    error = REPORTING.failure
    kind = find_kind(error) if error else FailureKind.INTERRUPTED
    content = {
        "version": VERSION,
        "exit_code": code,
        "failure_kind": str(kind),
        "error": describe(error) if error else None,
    }
    with suppress(OSError):
        click.echo(to_json(content), file=result_stream())


def _log(error: BaseException, code: int) -> None:
    import datetime as dt

    from platform_cli._render import to_json

    trace = {"traceback": _trace(error)} if REPORTING.shows_trace else {}
    line = {
        "timestamp": dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z"),
        "level": "error",
        "event": "Command failed",
        "exit_code": code,
        "failure_kind": str(find_kind(error)),
        "error": describe(error),
    }
    click.echo(to_json(line | trace), err=True)


def _print(error: BaseException, _code: int) -> None:
    if REPORTING.shows_trace:
        for line in _trace(error).splitlines():
            click.echo(printable(line.expandtabs()), err=True)
    for line in describe(error).splitlines():
        click.echo(_fit(f"error: {printable(line)}"), err=True)
    is_code = isinstance(error, _BLAMED) and error.__cause__
    if is_code and not REPORTING.shows_trace and _is_read_by_people():
        click.echo("       --debug shows the trace", err=True)


def _trace(error: BaseException) -> str:
    import traceback

    return hide_secrets("".join(traceback.format_exception(error)))


def _fit(line: str) -> str:
    """Return a line that breaks between words where standard error is a terminal, else as it is."""
    if not _is_read_by_people():
        return line
    import shutil
    import textwrap

    width = max(40, shutil.get_terminal_size().columns)
    return textwrap.fill(
        line, width, subsequent_indent="       ", break_long_words=False, break_on_hyphens=False
    )


def _is_read_by_people() -> bool:
    return bool(sys.stderr) and sys.stderr.isatty()
