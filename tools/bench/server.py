"""The server that all load into, with a fresh database for each load, and what it spends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.helpers.server import server_with_password

ROOT = Path(__file__).parent.parent.parent
PLATFORM = Path(sys.executable).with_name("platform")
SETTINGS = {"fsync": "on", "max_wal_size": "4GB"}  # as the embedded server has them, not as that of the tests
_REPORTED_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit", "shared_buffers", "max_wal_size")
SAMPLE_SECONDS = 0.5
_DATABASE, _TEMPLATE = "bench", "bench_migrated"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Rows:
    """The rows of a table in no order: how many, and a digest of event_type, payload and event_date.

    ``source`` is left out, for which of two equal events is kept is left to the loader.
    """

    count: int
    digest: str


class Server:
    """A running PostgreSQL over TCP on this machine; ``version`` is what it calls itself.

    ``settings`` are those of it that matter most here.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        [about] = self.query(
            "SELECT current_setting('server_version') AS version, "
            "split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid"
        )
        self.version, self._postmaster = str(about["version"]), int(about["pid"])
        self.settings = {name: str(self.query(f"SHOW {name}")[0][name]) for name in _REPORTED_SETTINGS}
        self.query(f"CREATE DATABASE {_TEMPLATE}")
        command = (PLATFORM, "migrate", "up", "--db", "postgres")
        subprocess.run(
            command, cwd=ROOT, env=environment(self.url(_TEMPLATE)), check=True, capture_output=True
        )

    def url(self, database: str = _DATABASE) -> str:
        """Return the URL of one of its databases."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    def fresh(self) -> str:
        """Return the URL of a database with all migrations applied, without rows and just checkpointed."""
        self.query(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
        self.query(f"CREATE DATABASE {_DATABASE} TEMPLATE {_TEMPLATE}")
        self.query("CHECKPOINT")
        return self.url()

    def query(self, statement: str, database: str = "postgres") -> list[dict[str, Any]]:
        """Return the rows of a statement, over a connection of its own."""
        return asyncio.run(_query(self.url(database), statement))

    def count(self, table: str = "cleaned_events") -> int:
        """Return the number of rows that our load has left."""
        [row] = self.query(f"SELECT COUNT(*) AS count FROM {table}", _DATABASE)
        return int(row["count"])

    def rows(self, table: str = "cleaned_events", payload: str = "payload::text") -> Rows:
        """Return the rows that a load has left; ``payload`` is the SQL that they are compared by."""
        [row] = self.query(
            f"""
            WITH texts AS (SELECT concat_ws(E'\\x1f', event_type, event_date, {payload}) AS t FROM {table})
            SELECT COUNT(*) AS count,
                COALESCE(SUM(hashtextextended(t, 1)::numeric), 0) AS one,
                COALESCE(SUM(hashtextextended(t, 2)::numeric), 0) AS two
            FROM texts
            """,
            _DATABASE,
        )
        return Rows(row["count"], f"{row['one']} {row['two']}")

    def cpu_seconds(self) -> float:
        """Return the processor time of its processes so far, those that have ended included."""
        while True:
            processes = self._processes()
            with contextlib.suppress(OSError):  # one has ended meanwhile
                ticks = sum(self._ticks(process) for process in processes)
                if processes == self._processes():
                    return ticks / _TICKS

    def _ticks(self, process: Path) -> int:
        # utime and stime, and of the postmaster also those of its ended children: proc_pid_stat(5)
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11 : 15 if process.name == str(self._postmaster) else 13]))

    @contextmanager
    def sampled_memory(self) -> Iterator[Sampler]:
        """Watch how much memory its processes take together, for the length of the block."""
        sampler = Sampler(self)
        sampler.start()
        try:
            yield sampler
        finally:
            sampler.done.set()
            sampler.join()

    def memory_bytes(self) -> int:
        """Return the memory that its processes take together now; what they share counts once."""
        total = 0
        for process in self._processes():
            try:
                lines = (process / "smaps_rollup").read_text().splitlines()
            except OSError:  # it has ended meanwhile
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total * 1024

    def _processes(self) -> list[Path]:
        children = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children").read_text().split()
        return [Path("/proc", number) for number in (str(self._postmaster), *children)]


class Sampler(threading.Thread):
    """Asks for the memory of the server every half second; ``peak_bytes`` is the most that was found."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self.done = threading.Event()
        self.peak_bytes = 0

    def run(self) -> None:
        while not self.done.wait(SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, self._server.memory_bytes())


def environment(url: str, **more: str) -> Mapping[str, str]:
    """Return the environment of a child that finds the database at ``url``.

    No other settings of ours, and none of Python: with PYTHONDONTWRITEBYTECODE, each start would compile
    all that is imported.
    """
    others = ("DB_", "FS_", "LOG_", "PLATFORM_", "PYTHON")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**clean, "DB_POSTGRES_URL": url, **more}


@contextmanager
def running_server(settings: Mapping[str, str]) -> Iterator[Server]:
    """Start a server for the length of the block, with some settings of postgresql.conf."""
    with server_with_password("bench", **{**SETTINGS, **settings}) as url:
        yield Server(url)


async def _query(url: str, statement: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()
