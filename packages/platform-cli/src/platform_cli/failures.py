"""The message and the exit code of a failure."""

from contextlib import suppress

import click

from platform_cli._masking import hide_secrets
from platform_cli._text import printable
from platform_interfaces import ConfigurationError, MigrationError, PlatformError

FAILED = 1
"""The job, or a command, failed."""

MISUSED = 2
"""The command line or the configuration is wrong; nothing was started."""

CLOSED_PIPE = 141
"""The reader of the output has closed it: 128 + SIGPIPE, as shells report it."""


class OutputClosedError(Exception):
    """The reader of standard output has closed it, as ``head`` does when it has enough."""


class ModuleFailedError(PlatformError):
    """A module returned an exit code other than 0."""


def describe(error: BaseException) -> str:
    """Return the failure in words without secrets: a line for each problem of a command line or a file."""
    return hide_secrets(_in_words(error))


def _in_words(error: BaseException) -> str:
    if isinstance(error, click.NoSuchOption | click.NoSuchCommand):
        kind, name = (
            ("option", error.option_name)
            if isinstance(error, click.NoSuchOption)
            else ("command", error.command_name)
        )
        hint = f" (did you mean {error.possibilities[0]!r}?)" if error.possibilities else ""
        return f"unknown {kind} {name!r}{hint}"
    if isinstance(error, click.ClickException):
        return _lower_first(error.format_message().removesuffix("."))
    if isinstance(error, ConfigurationError) and str(error):
        return str(error)
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(_in_words, error.exceptions))
    text = " ".join(str(error).split())
    if isinstance(error, PlatformError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _lower_first(text: str) -> str:
    # Not PLATFORM_ENV: only a word of click's own sentences.
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def fail(error: BaseException) -> int:
    """Write to standard error what failed, and return the exit code to end with."""
    with suppress(OSError):  # a closed pipe, a full disk: the exit code still says it
        for line in describe(error).splitlines():
            click.echo(f"error: {printable(line)}", err=True)
    return exit_code(error)


def exit_code(error: BaseException) -> int:
    """Return the exit code that a failure ends the process with."""
    return MISUSED if isinstance(error, click.UsageError | ConfigurationError) else FAILED


def is_expected(error: BaseException) -> bool:
    """Return whether the message says enough: its cause is not in code, or the code has logged it."""
    is_transient = isinstance(error, PlatformError) and error.is_transient
    expected = click.UsageError | ConfigurationError | MigrationError | ModuleFailedError
    return is_transient or isinstance(error, expected)
