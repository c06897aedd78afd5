"""The process of one date: the command ``platform``, which stops once the process that started it is gone.

Its standard input is a pipe that nothing is written to. It ends when that process ends, however it ends.
"""

import os
import signal
import sys
import threading

from platform_cli.__main__ import main


def _stop_at_end_of(pipe: int) -> None:
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    pipe = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a module that reads its standard input finds it empty
    threading.Thread(target=_stop_at_end_of, args=(pipe,), daemon=True).start()
    sys.exit(main())
