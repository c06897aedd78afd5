"""Keep standard output for the result, whatever a module or a library prints."""

import os
import sys
from dataclasses import dataclass
from typing import TextIO


@dataclass
class _Standard:
    """The standard output of the process, and the object for it, while they are reserved."""

    result: TextIO | None = None
    replaced: TextIO | None = None


_standard = _Standard()


def reserve_stdout() -> None:
    """Have all that is printed go to standard error, by other processes, too; ``result_stream`` stays.

    That lasts until ``release_stdout``: a thread or an exit handler of a module may print after the result.
    """
    if _standard.result is None:
        encoding = getattr(sys.stdout, "encoding", None)
        kept = os.fdopen(os.dup(1), "w", encoding=encoding, errors="backslashreplace")
        _standard.result, _standard.replaced = kept, sys.stdout
        os.dup2(2, 1)
        sys.stdout = sys.stderr


def release_stdout() -> None:
    """Undo ``reserve_stdout``, where a process goes on that has called the command as a function."""
    if _standard.result:
        sys.stdout = _standard.replaced
        os.dup2(_standard.result.fileno(), 1)
        _standard.result.close()
        _standard.result = None


def result_stream() -> TextIO | None:
    """Return where results are written; None where the process has no standard output."""
    return _standard.result or sys.stdout
