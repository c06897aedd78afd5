"""The end of a process that has used the client."""

import atexit
import time
from functools import cache

_PAUSE_SECONDS = 0.05


@cache
def let_client_finish() -> None:
    """Have the threads of the client let go of what they hold of Python before it ends; once for a process.

    One that still hands a result over while the interpreter is finalized aborts the process, whose work was
    done: about one in forty short ones. The client has no call that stops its threads:
    https://github.com/PyO3/pyo3-async-runtimes/issues/40.
    """
    atexit.register(time.sleep, _PAUSE_SECONDS)
