"""Measure the load of a day of events beside other ways to do it.

Needs Linux (/proc), and of the network only what installs dlt, once.
"""

import argparse
import os
import platform
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from tools.bench.contenders import tidy
from tools.bench.inputs import Inputs
from tools.bench.parts import PARTS, USUAL, Bench
from tools.bench.report import show, write
from tools.bench.server import ROOT, Server, running_server

FOLDER = ROOT / ".platform" / "bench"


def parse_options() -> argparse.Namespace:
    """Return the options of the command line; the parts to run are in ``parts``."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"all, or of {', '.join(PARTS)}; default: {', '.join(USUAL)}"
    )
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run; medians are reported")
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
    options.parts = PARTS if "all" in options.parts else options.parts or USUAL
    if options.dlt_rounds is None:
        options.dlt_rounds = options.rounds
    return options


def describe(server: Server) -> dict[str, Any]:
    """Return what the results depend on, beside the code."""
    return {
        "started_at": datetime.now(UTC).isoformat(),
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "postgres": server.version,
        "settings": server.settings,
    }


def main() -> int:
    """Run the parts, print and write their results, and return the exit code."""
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the server must not be left
    console, results = Console(), []
    settings = dict(setting.split("=", 1) for setting in options.setting)
    inputs = options.folder / "inputs"
    with running_server(settings) as server, console.status("") as status:
        about = describe(server)
        shown = ", ".join(f"{name} {value}" for name, value in server.settings.items())
        console.print(f"load average {about['load_average']:.1f} on {about['cpus']} CPUs; {shown}")
        bench = Bench(
            server=server,
            inputs=Inputs(inputs),
            folder=options.folder,
            lines=options.lines,
            rounds=options.rounds,
            dlt_rounds=options.dlt_rounds,
            show_progress=status.update,
        )
        file = options.folder / "results" / f"{about['started_at']}.json"
        for name in options.parts:
            part = PARTS[name](bench)
            results.append(part)
            show(console, part)
            write(file, about, results)
    tidy(inputs)
    console.print(f"results: {file}", soft_wrap=True)
    return 1 if any(part.problems for part in results) else 0


if __name__ == "__main__":
    sys.exit(main())
