"""Pin the exact version of everything that is not ours, in ``constraint-dependencies`` of the root manifest.

    pins.py write    upgrade all of it within the bounds of the manifests, and write the pins
    pins.py check    exit 1 unless a fresh lock has exactly the pinned versions

``uv.lock`` itself is not committed: it holds the addresses of the package index it was made with.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parent.parent
_LIST = re.compile(r"^(constraint-dependencies = \[\n).*?^(\]\n)", re.MULTILINE | re.DOTALL)


def read_pins(manifest: str) -> list[str]:
    """Return the pins in ``manifest``, the text of the root's pyproject.toml."""
    pins: list[str] = tomllib.loads(manifest)["tool"]["uv"]["constraint-dependencies"]
    return pins


def replace_pins(manifest: str, pins: Iterable[str]) -> str:
    """Return ``manifest`` with these pins, and otherwise unchanged.

    Raises:
        ValueError: when it has no list for them.
    """
    lines = "".join(f"    {json.dumps(pin)},\n" for pin in pins)
    replaced, count = _LIST.subn(lambda list_: list_[1] + lines + list_[2], manifest)
    if count != 1:
        raise ValueError(
            "pyproject.toml has no list of pins: add the lines 'constraint-dependencies = [' and ']'"
        )
    return replaced


def pins_of(lock: str) -> list[str]:
    """Return the pins, sorted, that reproduce ``lock``, the text of a uv.lock."""
    packages = [package for package in tomllib.loads(lock)["package"] if "registry" in package["source"]]
    versions = Counter(package["name"] for package in packages)
    pins = (_pin(package, is_only_version=versions[package["name"]] == 1) for package in packages)
    return sorted(pins, key=lambda pin: pin.partition("=="))


def _pin(package: dict[str, Any], *, is_only_version: bool) -> str:
    pin = f"{package['name']}=={package['version']}"
    return pin if is_only_version else f"{pin} ; {' or '.join(package['resolution-markers'])}"


def differences(pinned: Iterable[str], locked: Iterable[str]) -> Iterator[str]:
    """Yield a line for each package that is not locked as it is pinned."""
    sides: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, pins in enumerate((pinned, locked)):
        for pin in sorted(pins):
            sides[pin.partition("==")[0]][side].append(pin)
    for name, (was, found) in sorted(sides.items()):
        if was != found:
            yield f"{name}: pinned is {_listed(was)}, locked is {_listed(found)}"


def _listed(pins: list[str]) -> str:
    return ", ".join(pins) or "nothing"


def fresh_lock(root: Path, pins: Iterable[str]) -> str:
    """Return the uv.lock that uv makes from ``pins`` and a copy of the manifests.

    Raises:
        subprocess.CalledProcessError: when they contradict a manifest; uv has printed how.
    """
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for manifest in manifests(root):
            target = copy / manifest.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(manifest.read_text())
        (copy / "pyproject.toml").write_text(replace_pins((root / "pyproject.toml").read_text(), pins))
        subprocess.run(["uv", "lock", "--quiet"], cwd=copy, check=True)
        return (copy / "uv.lock").read_text()


def manifests(root: Path) -> list[Path]:
    """Return the pyproject.toml of the root and of each member."""
    manifest = root / "pyproject.toml"
    patterns = tomllib.loads(manifest.read_text())["tool"]["uv"]["workspace"]["members"]
    return [manifest, *(path for pattern in patterns for path in root.glob(f"{pattern}/pyproject.toml"))]


def write(root: Path) -> int:
    """Write the newest versions that the manifests allow, and show what changed."""
    manifest = root / "pyproject.toml"
    pins = pins_of(fresh_lock(root, []))
    for line in differences(read_pins(manifest.read_text()), pins):
        print(line)
    manifest.write_text(replace_pins(manifest.read_text(), pins))
    return 0


def check(root: Path) -> int:
    """Return 0 if the pins are those of a fresh lock; otherwise print what differs and return 1."""
    pins = read_pins((root / "pyproject.toml").read_text())
    found = list(differences(pins, pins_of(fresh_lock(root, pins))))
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print("the pins are not those of a fresh lock: run 'make lock'", file=sys.stderr)
    return int(bool(found))


def main(arguments: list[str]) -> int:
    """Run the command and return the exit code."""
    commands = {"write": write, "check": check}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return commands[arguments[0]](ROOT)
    except subprocess.CalledProcessError:
        print(
            "the pins contradict the manifests: run 'make lock', or correct the bounds",
            file=sys.stderr,
        )
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
