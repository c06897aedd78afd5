"""The contenders: the command of each, and what is prepared before its clock starts."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from platform_interfaces import REJECTS_FOLDER
from tools.bench.inputs import DATE, SOURCE_PATH, Input, fingerprint
from tools.bench.measure import Run, measure
from tools.bench.server import PLATFORM, ROOT, Server, environment

DLT, DLT_VENV = ("dlt[postgres]==1.31.*", "msgspec", "pyarrow"), "dlt-1.31"
JOB = ("--db", "postgres", "--fs", "local", "--date", DATE, "--source-path", SOURCE_PATH)
_SET_ASIDE = "set-aside-"

Load = Callable[[Server, Input, str], Run]
"""Loads an input into the database at a URL."""


@dataclass(frozen=True)
class Contender:
    """A way to load; ``payload`` is what of a payload it keeps as it was, as SQL."""

    load: Load
    table: str = "cleaned_events"
    payload: str = "payload::text"


def ours(server: Server, day: Input, url: str, *arguments: str) -> Run:
    """Run `platform run batch_etl`, after setting the rejects of earlier runs aside."""
    rejects = day.folder / REJECTS_FOLDER
    if rejects.exists():  # not removed: on some file systems, many freed inodes make new files slow
        rejects.rename(Path(tempfile.mkdtemp(prefix=_SET_ASIDE, dir=day.folder)) / rejects.name)
    command: Sequence[str | Path] = (PLATFORM, "run", "batch_etl", *JOB, *arguments)
    return measure(server, command, environment(url, FS_LOCAL_ROOT=str(day.folder)))


def tidy(inputs: Path) -> None:
    """Remove what was set aside."""
    for folder in inputs.glob(f"*/*/{_SET_ASIDE}*"):
        shutil.rmtree(folder)


def floor(server: Server, day: Input, url: str) -> Run:
    """Load rows that are clean already; see ``floor.py``."""
    blocks = day.folder / f"floor-{fingerprint('bench/floor.py', 'bench/cleaning.py')}"
    if not blocks.exists():
        unfinished = day.folder / "floor.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        subprocess.run(_module("floor", "prepare", day.folder, unfinished), cwd=ROOT, check=True)
        unfinished.rename(blocks)
    return measure(server, _module("floor", "load", blocks, url), environment(url))


def sql(server: Server, day: Input, url: str) -> Run:
    """Load with COPY and one statement; see ``sql.py``."""
    return measure(server, _module("sql", day.folder, url), environment(url))


def dlt(kind: str, venv: Path) -> Load:
    """Return a pipeline of dlt, in an environment of its own at ``venv``, made when it is missing."""

    def load(server: Server, day: Input, url: str) -> Run:
        if not venv.exists():
            _make_environment(venv)
        with tempfile.TemporaryDirectory(prefix="bench-dlt-") as folder:
            module = _module("dlt_load", kind, day.folder, url, folder)
            return measure(server, (venv / "bin" / "python", *module[1:]), environment(url))

    return load


def all_contenders(dlt_venv: Path) -> dict[str, Contender]:
    """Return the contenders by name, in the order in which they take turns."""
    return {
        "floor": Contender(floor),
        "ours": Contender(ours),
        "sql": Contender(sql),
        # Given rows, dlt rounds the numbers in a JSON column, so its rows are compared by other fields.
        **{
            name: Contender(
                dlt(kind, dlt_venv), "loaded.cleaned_events", "payload ->> 'event_no', payload ->> 'trace'"
            )
            for name, kind in (("dlt", "plain"), ("dlt-csv", "csv"))
        },
        "dlt-arrow": Contender(dlt("arrow", dlt_venv), "loaded.cleaned_events"),
    }


def _module(name: str, *arguments: str | Path) -> Sequence[str | Path]:
    return (sys.executable, "-m", f"tools.bench.{name}", *arguments)


def _make_environment(venv: Path) -> None:
    """Create the environment, outside the workspace, whose pins are not for dlt."""
    unfinished = venv.with_suffix(".new")
    for command in (
        ("uv", "venv", "--quiet", "--clear", "--python", sys.executable, unfinished),
        ("uv", "pip", "install", "--quiet", "--python", unfinished, *DLT),
    ):
        subprocess.run(command, cwd=tempfile.gettempdir(), check=True)
    unfinished.rename(venv)
