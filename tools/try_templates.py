"""Write a module for each set of interfaces and an adapter for each, and check all as their users would.

In a copy of this workspace all of them are members: `make lint type contracts pins`, the tests of each module
alone, and a run of it. In clean folders they are projects of their own: their tests, and a run. The suite of
an adapter must fail, by what is not written yet and by nothing else.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
KINDS = ("database", "filesystem", "logging", "secrets")
NAMES = (
    "a",
    "job",
    "run",
    "figures",
    "dt",
    "zebra",
    "platformer",
    "day2_of_week",
    "m" * 30,
    "n_" * 14 + "nn",
)
"""Names of the first modules: the shortest, the longest, those that the code uses for something else."""

NOT_COPIED = (".git", ".venv*", ".*_cache", ".platform", "__pycache__", "dist", "uv.lock")
NOT_WRITTEN = re.compile('NotImplementedError: [a-z_ ]+ is not written yet"?$')
DATE = ("--date", "2026-01-15", "--log", "json")


def list_modules() -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the options of a module for each set of interfaces, with a table and without."""
    names = chain(NAMES, (f"module_{number}" for number in range(100)))
    for kinds in chain.from_iterable(combinations(KINDS, size) for size in range(1, len(KINDS) + 1)):
        for migration in ([], ["--migration"])[: 1 + ("database" in kinds)]:
            yield next(names), ["--interfaces", ",".join(kinds), *migration]


def run(*command: str | Path, cwd: Path, codes: tuple[int, ...] = (0,), **settings: str) -> str:
    """Run ``command`` without the settings of this environment, and return what it printed.

    Raises:
        SystemExit: when it ends with another code than ``codes``, with all that it printed.
    """
    ours = ("DB_", "FS_", "LOG_", "PLATFORM_", "PYTHONPATH", "VIRTUAL_ENV")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | settings
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        shown = " ".join(map(str, command))
        raise SystemExit(f"exit code {done.returncode} in {cwd}: {shown}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_adapter(folder: Path, environment: Path) -> int:
    """Check that the suite of a new adapter fails by what is not written yet only; return by how much.

    Raises:
        SystemExit: when a case fails by anything else, or none fails.
    """
    report = folder / "report.xml"
    run(
        "uv",
        "run",
        "pytest",
        "--quiet",
        f"--junitxml={report}",
        folder / "tests",
        cwd=environment,
        codes=(1,),
    )
    failures = [*ElementTree.parse(report).iter("failure"), *ElementTree.parse(report).iter("error")]
    report.unlink()
    for failure in failures:
        message = failure.get("message", "")
        if not NOT_WRITTEN.search(message):
            raise SystemExit(f"{folder}: a case fails by something else: {message}\n{failure.text}")
    return len(failures)


def try_members(folder: Path) -> None:
    """Make all of them members of a copy of this workspace, and check it."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    platform = ("uv", "run", "--quiet", "platform")
    modules = [*list_modules()]
    for name, options in modules:
        run(*platform, "new", "module", name, *options, cwd=folder)
    for kind in KINDS:
        run(*platform, "new", "adapter", kind, f"acme_{kind}", cwd=folder)
    for target in ("lint", "type", "contracts", "pins"):
        run("make", target, cwd=folder)
        print(f"make {target}: {len(modules)} modules and {len(KINDS)} adapters pass")
    for name, _ in modules:
        member = folder / "modules" / name
        run("uv", "run", "--quiet", "--isolated", "pytest", "--quiet", cwd=member)
        run(*platform, "run", name, *DATE, cwd=folder, FS_LOCAL_ROOT=str(member / "samples"))
    print(f"{len(modules)} modules pass their tests alone, and run")
    for kind in KINDS:
        count = check_adapter(folder / f"packages/platform-acme-{kind}", folder)
        print(f"adapter of {kind}: {count} cases fail, all by what is not written yet")


def try_projects(folder: Path) -> None:
    """Make some of them projects of their own."""
    folder.mkdir()
    platform = ("uv", "run", "--quiet", "--project", ROOT, "platform")
    modules = [each for each in list_modules() if len(each[1][1].split(",")) in (1, 4)]
    for name, options in modules:
        run(*platform, "new", "module", name, *options, cwd=folder)
        run("uv", "run", "--quiet", "pytest", "--quiet", cwd=folder / name)
        run("uv", "run", "--quiet", "platform", "run", name, *DATE, cwd=folder / name)
        shutil.rmtree(folder / name)
    print(f"{len(modules)} modules are projects that pass their tests, and run")
    for kind in KINDS:
        run(*platform, "new", "adapter", kind, "acme", cwd=folder)
        count = check_adapter(folder / "platform-acme", folder / "platform-acme")
        shutil.rmtree(folder / "platform-acme")
        print(f"adapter of {kind}, a project: {count} cases fail, all by what is not written yet")


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        for number, attempt in enumerate((try_members, try_projects)):
            if not sys.argv[1:] or attempt.__name__ in sys.argv[1:]:
                attempt(Path(temporary, str(number)))
