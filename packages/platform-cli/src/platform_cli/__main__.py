"""The command ``platform``; ``python -m platform_cli`` does the same."""

import gc
import sys
from collections.abc import Sequence

import click

from platform_cli.commands import platform
from platform_cli.failures import fail

# All that is imported by now stays until the end. That the collector passes it over, above all when the
# process exits, saves a seventh of the time of `--help`.
gc.freeze()
# A load makes objects by the million, nearly all of which go without the collector. To look for others each
# time that 700 more are alive takes a tenth of its time.
gc.set_threshold(10_000)


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line (the process's own unless given) and return its exit code."""
    try:
        return platform.main(args, prog_name="platform", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the user gets one line and an exit code
        return fail(error)


if __name__ == "__main__":
    sys.exit(main())
