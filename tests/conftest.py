"""What all tests here share: PostgreSQL over TCP with a password, and the command as users call it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path

import pytest

from platform_objectstore.testing import s3_client, s3_server, s3_settings
from platform_postgres.testing import embedded_dir, open_server, postgres_url
from tests.helpers.command import Outcome, Platform
from tests.helpers.forking import ForkServer, fork_server
from tests.helpers.server import server_with_password

__all__ = ["embedded_dir", "postgres_url", "s3_client", "s3_server", "s3_settings"]

collect_ignore = ["containers"]  # they need a container engine: make test-containers

REPOSITORY = Path(__file__).parent.parent
# "#", "@" and the like are what passwords have and URLs trip over.
PASSWORD = f"canary#@/{secrets.token_hex(8)}"
_READ_AT_START = ("LANG", "LC_", "PYTHON")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Yield the URL of the server that the environment names, or of a new one, over TCP with a password."""
    with open_server(lambda: server_with_password(PASSWORD)) as url:
        yield url


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder like a clone's root, with the env files."""
    folder = tmp_path / "project"
    shutil.copytree(REPOSITORY / ".env", folder / ".env")
    return folder


@pytest.fixture(scope="session")
def own_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that, on PYTHONPATH, hides the modules of users who have added some to this workspace.

    The first of several copies of a distribution hides the others, and these have no entry points.
    """
    folder = tmp_path_factory.mktemp("own_modules")
    for each in distributions():
        groups = {point.group for point in each.entry_points}
        if "platform.modules" in groups and each.name != "batch-etl":
            (folder / f"{each.name.replace('-', '_')}-{each.version}.dist-info").mkdir()
    return folder


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """Yield the process that commands are forked from."""
    with fork_server() as server:
        yield server


@pytest.fixture
def platform(project: Path, tmp_path: Path, own_modules: Path, forks: ForkServer) -> Platform:
    """Runs the command in ``project``, with nothing of our own settings in its environment.

    It is forked from a process that has imported it. It is started as from a shell beside another one, and
    with variables that Python reads as it starts.
    """

    def run(*args: str, cwd: Path = project, timeout: float = 120, **variables: str) -> Outcome:
        ours = ("DB_", "FS_", "PLATFORM_", "LOG_", "PG", "MIGRATIONS_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment |= {"FS_LOCAL_ROOT": str(tmp_path / "files"), **variables}
        environment["PYTHONPATH"] = os.pathsep.join(
            [*filter(None, [variables.get("PYTHONPATH")]), str(own_modules)]
        )
        is_plain = not any(name.startswith(_READ_AT_START) for name in {*variables} - {"PYTHONPATH"})
        if is_plain and forks.is_free.acquire(blocking=False):
            try:
                code, out, err = forks.run(args, cwd, environment, timeout)
            finally:
                forks.is_free.release()
        else:
            code, out, err = _start(args, cwd, environment, timeout)
        assert not any(line.startswith("Traceback") for line in err.splitlines()), err
        assert PASSWORD not in out + err
        return Outcome(code, out, err)

    return run


def _start(words: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float) -> tuple[int, str, str]:
    done = subprocess.run(
        [Path(sys.executable).with_name("platform"), *words],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="session")
def orders_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the example module is installed to; on PYTHONPATH it counts as installed."""
    site = tmp_path_factory.mktemp("site")
    command = ["uv", "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
    subprocess.run([*command, "--target", site, REPOSITORY / "examples/orders"], check=True)
    return site
