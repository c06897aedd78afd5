"""Measure what a process spends, and what the server spends meanwhile."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from tools.bench.server import ROOT, Server

MIB = 1024 * 1024


@dataclass(frozen=True)
class Run:
    """One run of a client; of a client of several processes, the memory is that of the largest."""

    seconds: float
    client_cpu_seconds: float
    client_peak_mib: float
    server_cpu_seconds: float
    server_peak_mib: float


def measure(server: Server, command: Sequence[str | Path], environment: Mapping[str, str]) -> Run:
    """Run the command to its end. What it prints as its last line, when that is a number, is its time.

    Raises:
        SystemExit: when it fails, with the end of its output.
    """
    server_cpu = server.cpu_seconds()
    with server.sampled_memory() as memory, TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            # The reported peak is never below what this process takes itself, which is little:
            # https://man7.org/linux/man-pages/man2/getrusage.2.html (ru_maxrss)
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read().decode(errors="replace")
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}: {' '.join(map(str, command))}\n{printed[-4000:]}")
    return Run(
        seconds=_own_time(printed) or seconds,
        client_cpu_seconds=usage.ru_utime + usage.ru_stime,
        client_peak_mib=usage.ru_maxrss / 1024,
        server_cpu_seconds=server.cpu_seconds() - server_cpu,
        server_peak_mib=memory.peak_bytes / MIB,
    )


def _own_time(printed: str) -> float | None:
    last = printed.strip().rpartition("\n")[2]
    return float(last) if last.replace(".", "", 1).isdigit() else None
