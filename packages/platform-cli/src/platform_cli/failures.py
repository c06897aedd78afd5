"""The message, the kind and the exit code of a failure."""

from collections.abc import Mapping

import click

from platform_cli._masking import hide_secrets
from platform_cli._usage_errors import describe_usage
from platform_cli.reporting import REPORTING
from platform_interfaces import (
    ConfigurationError,
    FailureKind,
    FileSystemError,
    MigrationError,
    PlatformError,
)

FAILED = 1
"""The job, or a command, failed."""

MISUSED = 2
"""The command line or the configuration is wrong; nothing was started."""

CLOSED_PIPE = 141
"""The reader of the output has closed it: 128 + SIGPIPE, as shells report it."""


EXIT_CODES: Mapping[FailureKind, int] = {
    FailureKind.CONFIGURATION: MISUSED,
    FailureKind.NO_INPUT: 10,
    FailureKind.NONE_VALID: 11,
    FailureKind.TOO_MANY_REJECTED: 12,
    FailureKind.TOO_FEW_VALID: 13,
    FailureKind.UNREADABLE_INPUT: 14,
    FailureKind.INPUT_CHANGED: 15,
    FailureKind.REJECTS_NOT_SAVED: 16,
    FailureKind.TOTALS_MISMATCH: 17,
    FailureKind.DATABASE_UNREACHABLE: 20,
    FailureKind.DATABASE_ERROR: 21,
    FailureKind.LOCKED: 22,
    FailureKind.MIGRATION_FAILED: 23,
    FailureKind.FILE_SYSTEM_ERROR: 30,
    FailureKind.EXECUTOR_ERROR: 31,
    FailureKind.MODULE_ERROR: 40,
    FailureKind.ADAPTER_ERROR: 41,
    FailureKind.SHUTDOWN_FAILED: 42,
    FailureKind.PLATFORM_ERROR: FAILED,
}
"""What ``--detailed-exit-codes`` ends with. Not here: 3 to 5 are ``platform migrate``'s, 64 to 78 sysexits',
126 and above the shell's, with 130 and 143 for a run that a signal stopped."""


class OutputClosedError(Exception):
    """The reader of standard output has closed it, as ``head`` does when it has enough."""


class ModuleFailedError(PlatformError):
    """A module returned another exit code than 0, raised an error of its own, or is not what it must be."""

    kind = FailureKind.MODULE_ERROR


class StatementFailedError(PlatformError):
    """A statement of the command line failed, which is in the statement."""

    def __init__(self, message: str, kind: FailureKind) -> None:
        super().__init__(message)
        self.kind = kind


class DeclinedError(PlatformError):
    """The user was asked, and said no."""


class AdapterFailedError(PlatformError):
    """An adapter raised an error that is not one of the platform's."""

    kind = FailureKind.ADAPTER_ERROR


def describe(error: BaseException) -> str:
    """Return the failure in words without secrets: a line for each problem of a command line or a file."""
    return hide_secrets(_in_words(error))


def _in_words(error: BaseException) -> str:
    if isinstance(error, click.ClickException):
        return describe_usage(error)
    if isinstance(error, ConfigurationError) and _text(error):
        return _text(error)
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(_in_words, error.exceptions))
    text = " ".join(_text(error).split())
    if isinstance(error, PlatformError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a broken __str__ must not hide how the run ended
        return ""


def find_kind(error: BaseException) -> FailureKind:
    """Return the kind of a failure; that of the first, where several came together."""
    if isinstance(error, BaseExceptionGroup):
        return find_kind(error.exceptions[0])
    if isinstance(error, click.UsageError):
        return FailureKind.CONFIGURATION
    return error.kind if isinstance(error, PlatformError) else FailureKind.PLATFORM_ERROR


def exit_code(error: BaseException) -> int:
    """Return the exit code that a failure ends the process with."""
    kind = find_kind(error)
    if kind == FailureKind.CONFIGURATION:
        return MISUSED
    return EXIT_CODES.get(kind, FAILED) if REPORTING.has_detailed_codes else FAILED


def is_expected(error: BaseException) -> bool:
    """Return whether the message says enough: its cause is not in code, or the code has logged it."""
    is_transient = isinstance(error, PlatformError) and error.is_transient
    expected = (
        click.UsageError
        | ConfigurationError
        | DeclinedError
        | FileSystemError
        | MigrationError
        | ModuleFailedError
        | OutputClosedError
        | StatementFailedError
    )
    return is_transient or isinstance(error, expected)
