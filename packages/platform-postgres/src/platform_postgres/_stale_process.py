"""The process of a server that was killed, whose number another process may have by now."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

EXIT_TIMEOUT_SECONDS = 10.0
_PF_EXITING = 0x4  # https://github.com/torvalds/linux/blob/master/include/linux/sched.h
_NO_PROCESS = 4_194_304  # Linux gives out smaller numbers only (PID_MAX_LIMIT)


def forget_stale_process(files: Iterable[Path], data: Path) -> None:
    """Let a new server follow one that was killed, whose number is in use by another process or a zombie.

    PostgreSQL takes any process of that number for its server. The files are kept: by the shared memory they
    name PostgreSQL finds out whether children of the killed server are still at work.
    """
    for file in files:
        try:
            number, others = file.read_text().split("\n", 1)
            is_stale = _is_zombie(number) or not _may_be_server(number, data)
        except (OSError, ValueError):
            continue
        if is_stale:
            file.write_text(f"{_NO_PROCESS}\n{others}")


def _is_zombie(number: str) -> bool:
    """Return whether the process has ended; wait for it while it exits, within a limit.

    Raises:
        OSError: when there is no such process.
    """
    deadline = time.monotonic() + EXIT_TIMEOUT_SECONDS
    while True:
        state, *others = Path("/proc", number, "stat").read_text().rpartition(")")[2].split()
        is_exiting = int(others[5]) & _PF_EXITING
        if state == "Z" or not is_exiting or time.monotonic() > deadline:
            return state == "Z"
        time.sleep(0.01)


def _may_be_server(number: str, data: Path) -> bool:
    """Return whether the living process is, or could be, the server of ``data``.

    A server belongs to the owner of its data, and works in their directory.

    Raises:
        OSError: when the process is gone.
    """
    process = Path("/proc", number)
    if process.stat().st_uid != data.stat().st_uid:
        return False
    try:
        return (process / "cwd").samefile(data)
    except PermissionError:  # root of a container without the right to look
        return (process / "comm").read_text().strip() == "postgres"
