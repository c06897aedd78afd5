"""Break one thing at a time, on a copy, and run the tests that should notice it; exit 1 if a fault survives.

``mutants.toml`` lists what is broken; words as arguments select the mutants whose names contain all of them.
With ``--check`` nothing is run: exit 1 if a file no longer has the text that a mutant replaces.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from platform_postgres.testing import running_server

ROOT = Path(__file__).parent.parent
LIMIT_SECONDS = 300  # a mutant may make a test wait for ever, which counts as noticed
HUNG = -1


@dataclass(frozen=True)
class Mutant:
    """A fault: ``old`` becomes ``new`` in ``file``, and the pytest arguments ``tests`` must notice it."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def count_old(self, root: Path) -> int:
        """Return how often the file has the old text: once, unless the code has changed since."""
        file = root / self.file
        return file.read_text().count(self.old) if file.is_file() else 0

    def apply(self, root: Path) -> None:
        """Break the file."""
        file = root / self.file
        file.write_text(file.read_text().replace(self.old, self.new))


def read_mutants(file: Path = ROOT / "tools" / "mutants.toml") -> Iterator[Mutant]:
    """Yield all mutants, in the order of the file."""
    for part, target in tomllib.loads(file.read_text()).items():
        for mutant in target["mutants"]:
            path = f"{target['source']}/{mutant['file']}"
            name = f"{part}: {mutant['fault']}"
            yield Mutant(name, path, mutant["old"], mutant["new"], tuple(target["tests"]))


def find_stale(root: Path, mutants: Iterable[Mutant]) -> list[str]:
    """Return a message for each mutant whose old text its file does not have exactly once."""
    counts = [(mutant, mutant.count_old(root)) for mutant in mutants]
    return [
        f"mutant {mutant.name!r}: {mutant.file} has its old text {count} times, not once: update mutants.toml"
        for mutant, count in counts
        if count != 1
    ]


def copy_workspace(target: Path) -> None:
    """Copy the files of the workspace as they are now, without those that git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)


def count_failures(root: Path, tests: Sequence[str]) -> int:
    """Return how many of ``tests`` fail in the copy ``root``, or ``HUNG``.

    Raises:
        RuntimeError: when they could not be run.
    """
    # Before the installed packages, which are those of the original workspace.
    sources = [
        str(folder)
        for pattern in ("packages/*/src", "modules/*/src", "examples/*/src")
        for folder in root.glob(pattern)
    ]
    # Removed by rm: some tests make trees too deep for shutil, and under a fault leave them behind.
    scratch = root / "scratch"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sources), "PYTHONDONTWRITEBYTECODE": "1"}
    options = ["-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "--basetemp", str(scratch)]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return HUNG
    finally:
        subprocess.run(["rm", "-rf", scratch], check=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    counts = re.findall(r"(\d+) (?:failed|error)", done.stdout.rpartition("\n\n")[2])
    return sum(map(int, counts)) or done.returncode  # a test that hangs ends pytest without a summary


def find_survivors(root: Path, mutants: Sequence[Mutant]) -> list[str]:
    """Return the names of the mutants that no test notices; print the outcome of each.

    Raises:
        RuntimeError: when a test fails before anything is broken.
    """
    for tests in dict.fromkeys(mutant.tests for mutant in mutants):
        if count_failures(root, tests):
            raise RuntimeError(f"tests fail before anything is broken: {' '.join(tests)}")
    survivors = []
    for mutant in mutants:
        sound = (root / mutant.file).read_text()
        mutant.apply(root)
        failures = count_failures(root, mutant.tests)
        (root / mutant.file).write_text(sound)
        if failures == 0:
            survivors.append(mutant.name)
        outcome = {0: "SURVIVED", HUNG: "noticed: the tests hung"}.get(
            failures, f"noticed by {failures} tests"
        )
        print(f"{mutant.name:<60} {outcome}", flush=True)
    return survivors


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only see that each mutant finds its text")
    parser.add_argument("words", nargs="*", help="select the mutants whose names contain all of these")
    options = parser.parse_args(arguments)
    mutants = [mutant for mutant in read_mutants() if all(word in mutant.name for word in options.words)]
    if stale := find_stale(ROOT, mutants):
        print("\n".join(stale), file=sys.stderr)
    if stale or options.check:
        return 1 if stale else 0
    with TemporaryDirectory(prefix="mutants-") as folder, running_server({}) as server:
        os.environ.setdefault("DB_POSTGRES_URL", server.url())  # one server: each test makes its database
        copy_workspace(Path(folder))
        survivors = find_survivors(Path(folder), mutants)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
