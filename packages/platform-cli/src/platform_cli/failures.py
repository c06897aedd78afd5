"""How a failure is shown, and which exit code it ends with."""

import click

from platform_cli._text import hide_passwords, printable
from platform_interfaces import ConfigurationError, MigrationError, PlatformError

FAILED = 1
"""The job, or a command, failed."""

MISUSED = 2
"""The command line or the configuration is wrong; nothing was started."""


def describe(error: BaseException) -> str:
    """The failure in words: one line, or one for each problem of a command line or a file.

    Where a URL was given in the place of something else, its password is left out.
    """
    return hide_passwords(_in_words(error))


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
        text = error.format_message().removesuffix(".")
        return text[:1].lower() + text[1:]
    if isinstance(error, ConfigurationError):
        return str(error)
    kind = "" if isinstance(error, PlatformError) else f"{type(error).__name__}: "
    return kind + " ".join(str(error).split())


def fail(error: BaseException) -> int:
    """Say on standard error what failed; the exit code to end with."""
    for line in describe(error).splitlines() or [""]:
        click.echo(f"error: {printable(line)}", err=True)
    return exit_code(error)


def exit_code(error: BaseException) -> int:
    """What a failure ends the process with."""
    return MISUSED if isinstance(error, click.UsageError | ConfigurationError) else FAILED


def is_told_by_its_message(error: BaseException) -> bool:
    """Whether no code is to be mended: the settings, the migrations or the infrastructure are."""
    is_transient = isinstance(error, PlatformError) and error.is_transient
    return is_transient or isinstance(error, click.UsageError | ConfigurationError | MigrationError)
