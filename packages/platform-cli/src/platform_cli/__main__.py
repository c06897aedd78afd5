"""The command ``platform``; ``python -m platform_cli`` does the same."""

import io
import os
import sys
from collections.abc import Sequence

import click

from platform_cli._collector import tune_collector
from platform_cli._masking import remember_arguments
from platform_cli._reserved_stdout import release_stdout, result_stream
from platform_cli.commands import platform
from platform_cli.failures import CLOSED_PIPE, OutputClosedError
from platform_cli.reporting import REPORTING


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line (the process's own unless given) and return its exit code."""
    if args is None:
        _open_missing_streams()
        tune_collector()
        if isinstance(sys.stdout, io.TextIOWrapper):  # what it cannot encode is escaped, as on standard error
            sys.stdout.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if args is None else args
    remember_arguments(words)
    REPORTING.begin(words)
    try:
        if instruction := os.environ.get("_PLATFORM_COMPLETE"):
            from platform_cli.commands.completion import complete

            return complete(platform, instruction)
        if code := _run(args):
            from platform_cli.failure_report import answer_failure

            answer_failure(code)
        return code
    finally:
        _flush()
        if args is not None:
            release_stdout()


def _open_missing_streams() -> None:
    """Open what the process was started without, as by ``>&-``: else a file or a connection has its number.

    Then what a program prints that a module starts would be sent to the database.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)


def _run(args: Sequence[str] | None) -> int:
    try:
        return platform.main(args, prog_name="platform", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except (OutputClosedError, SystemExit):  # click exits where it finds the pipe closed, in a help
        return CLOSED_PIPE
    except Exception as error:  # noqa: BLE001 - for any error the user gets one line and an exit code
        from platform_cli.failure_report import fail

        return fail(error)


def _flush() -> None:
    # Here, because the interpreter complains of a closed pipe when it exits.
    for stream in filter(None, (result_stream(), sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except (OSError, ValueError):
            continue


if __name__ == "__main__":
    sys.exit(main())
