"""Keep standard output for the result, whatever a module or a library prints."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def reserve_stdout(*, is_needed: bool) -> Iterator[None]:
    """Return a block in which all that is printed goes to standard error, by other processes, too."""
    if not is_needed:
        yield
        return
    with redirect_stdout(sys.stderr):
        try:
            kept = os.dup(1)
        except OSError:  # it is closed
            yield
            return
        try:
            os.dup2(2, 1)
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)
