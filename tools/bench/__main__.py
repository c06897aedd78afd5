"""Measures the load of a day of events beside other ways to do it, and much of what it stands on.

Needs Linux (/proc), and of the network only what installs dlt, once.
"""

import argparse
import os
import platform
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tools.bench.contenders import tidy
from tools.bench.inputs import Inputs
from tools.bench.parts import PARTS, USUAL, Bench
from tools.bench.report import show, write
from tools.bench.server import ROOT, running_server

FOLDER = ROOT / ".platform" / "bench"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"all, or of {', '.join(PARTS)}; default: {', '.join(USUAL)}"
    )
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run; medians are told")
    parser.add_argument(
        "--dlt-rounds", type=int, help="how often dlt is run, which takes longest; 0 for never"
    )
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="for inputs, results and dlt's environment"
    )
    parser.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE", help="of the server's postgresql.conf"
    )
    options = parser.parse_args()
    if wrong := [setting for setting in options.setting if "=" not in setting]:
        parser.error(f"{wrong[0]!r} must be like shared_buffers=128MB")
    if unknown := [name for name in options.parts if name not in (*PARTS, "all")]:
        parser.error(f"unknown part {unknown[0]!r}: there are all, {', '.join(PARTS)}")
    names = PARTS if "all" in options.parts else options.parts or USUAL
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the server must not be left
    console, results = Console(), []
    settings = dict(setting.split("=", 1) for setting in options.setting)
    with running_server(settings) as server, console.status("") as status:
        told = ", ".join(f"{name} {value}" for name, value in server.settings.items())
        console.print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs; {told}")
        bench = Bench(
            server,
            Inputs(options.folder / "inputs"),
            options.folder,
            options.lines,
            options.rounds,
            options.rounds if options.dlt_rounds is None else options.dlt_rounds,
            status.update,
        )
        about = {
            "started_at": datetime.now(UTC).isoformat(),
            "machine": platform.platform(),
            "cpus": os.cpu_count(),
            "load_average": os.getloadavg()[0],
            "python": platform.python_version(),
            "postgres": server.version,
            "settings": server.settings,
        }
        file = options.folder / "results" / f"{about['started_at']}.json"
        for name in names:
            part = PARTS[name](bench)
            results.append(part)
            show(console, part)
            write(file, about, results)
    tidy(options.folder / "inputs")
    console.print(f"results: {file}", soft_wrap=True)
    return 1 if any(part.problems for part in results) else 0


if __name__ == "__main__":
    sys.exit(main())
