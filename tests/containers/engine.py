"""The command docker, and a job that it runs as one does in production."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testcontainers.community.postgres import PostgresContainer

REPOSITORY = Path(__file__).parents[2]
_LOCKED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


def docker(*arguments: str) -> str:
    """Return what a command of docker prints; it must succeed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def wait_until(condition: Callable[[], object]) -> None:
    """Ask until ``condition`` holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@dataclass(frozen=True)
class Job:
    """The image on a network with a PostgreSQL, with files that it may only read, and no more rights."""

    image: str
    network: str
    server: PostgresContainer
    files: Path

    def options(self) -> list[str]:
        """Return the options of ``docker run``, and the image."""
        server = self.server
        settings = {
            "DB_POSTGRES_URL": f"postgresql://{server.username}:{server.password}@db/{server.dbname}",
            "FS_LOCAL_ROOT": "/lake",
            "FS_LOCAL_REJECTS_ROOT": "/tmp/rejects",
        }
        variables = (part for name, value in settings.items() for part in ("--env", f"{name}={value}"))
        volume = ("--volume", f"{self.files}:/lake:ro")
        return [*_LOCKED, "--network", self.network, *volume, *variables, self.image]

    def platform(self, *arguments: str) -> str:
        """Return what the command prints in a container of its own; it must succeed."""
        return docker("run", "--rm", *self.options(), *arguments)

    def query(self, statement: str) -> str:
        """Return what psql prints of the rows."""
        server = self.server
        psql = ("psql", "--host", "127.0.0.1", "--username", server.username, "--dbname", server.dbname)
        password = ("--env", f"PGPASSWORD={server.password}")
        return docker(
            "exec",
            *password,
            server.get_container_id(),
            *psql,
            "--no-align",
            "--tuples-only",
            "--command",
            statement,
        )
