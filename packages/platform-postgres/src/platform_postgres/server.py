"""A PostgreSQL server that this package starts, from the binaries of the extra ``embedded``."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import IO
from urllib.parse import quote

from platform_interfaces import DatabaseError
from platform_postgres._account import check_name
from platform_postgres._programs import find_binaries, run_program
from platform_postgres._server_directory import START_TIMEOUT_SECONDS, ServerDirectory
from platform_postgres._stale_process import forget_stale_process

# https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
_MEMORY_OF_CONTAINER = Path("/sys/fs/cgroup/memory.max")
# PostgreSQL's default; and what the indexes of ten million events need.
_MIN_BUFFERS_MIB, _MAX_BUFFERS_MIB = 128, 1024


class PostgresServer:
    """A server whose data, log and socket live in ``directory``, private to the user.

    It listens on a unix socket only, unless ``options`` say otherwise. Processes share it: the first
    ``start`` starts it, the last ``stop`` stops it, and a process that was killed counts as stopped.

    PostgreSQL refuses to run as root. For root it runs as the system account "platform-postgres", which is
    made when it is missing. Where that account cannot pass through the directories above, the data, and a
    copy of the programs, are in "/var/lib/platform-postgres"; no existing directory is changed.
    """

    def __init__(self, directory: Path, options: Mapping[str, str] | None = None) -> None:
        """Choose the directory; nothing is started.

        Args:
            directory: made when it is missing.
            options: settings of postgresql.conf, used by the process that starts the server.
        """
        self._options = dict(options or {})
        self._port = int(self._options.get("port", 5432))
        self._files = ServerDirectory(directory, self._port)
        self._use: IO[bytes] | None = None
        self._mutex = threading.Lock()  # start and stop may come from two threads, when a start is cancelled

    def start(self) -> None:
        """Start the server unless it runs, and wait until it accepts connections; a second call does nothing.

        Blocks.

        Raises:
            ConfigurationError: when the extra ``embedded`` is not installed, or the directory cannot be used.
            DatabaseError: when the server does not start; the message quotes its log.
            ConnectionLostError: when another process is starting or stopping it for too long.
        """
        with self._mutex:
            if self._use is not None:
                return
            self._files.check()
            if not self.has_data():
                check_name()
            binaries = find_binaries()
            self._files.claim()
            with self._files.transition():
                self._files.claim_sockets()
                self._files.lock_use().close()  # a server that no process could stop is not started
                if not self._files.data.exists():
                    self._initialise(binaries)
                if not self._is_accepting():
                    forget_stale_process(self._files.process_files, self._files.data)
                    self._launch(binaries)
                self._use = self._files.lock_use()

    def stop(self) -> None:
        """End this use of the server, and stop it when no other process uses it. Blocks."""
        with self._mutex:
            if self._use is None:
                return
            with self._files.transition():
                self._use.close()
                self._use = None
                if self._is_accepting():
                    self._shut_down()

    @property
    def directory(self) -> Path:
        """Return the directory of the data."""
        return self._files.path

    @property
    def log(self) -> Path:
        """Return the file that the server logs to."""
        return self._files.log

    def has_data(self) -> bool:
        """Return whether data were made before; False where that cannot be found out."""
        return self._files.has_data()

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases, through the socket."""
        host = quote(str(self._files.sockets))
        return f"postgresql://postgres@/{quote(database)}?host={host}&port={self._port}"

    def _initialise(self, binaries: Path) -> None:
        # Renamed when done: after a kill, no half-made data are found; initdb may go on writing after one.
        unfinished = self._files.path / f"data.new-{token_hex(8)}"
        try:
            run_program(
                binaries / "initdb",
                *("--pgdata", unfinished, "--username", "postgres"),
                *("--auth-host", "scram-sha-256"),
                *("--auth-local", "trust"),  # the socket's directory is private
                *("--encoding", "UTF8", "--no-locale"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
                "--no-instructions",
                log=self._files.log,
            )
            unfinished.rename(self._files.data)
        finally:
            for ruin in self._files.path.glob("data.new*"):
                shutil.rmtree(ruin, ignore_errors=True)

    def _launch(self, binaries: Path) -> None:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._files.sockets),
            "unix_socket_permissions": "0700",
            # Clients get their errors; the log would keep statements and values of rows.
            "log_min_messages": "log",
            "log_error_verbosity": "terse",
            "shared_buffers": f"{_choose_buffers_mib()}MB",
            # With less, checkpoints are frequent, and after each the pages of indexes are logged again.
            "max_wal_size": "4GB",
            **self._options,
        }
        words = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())
        try:
            run_program(
                binaries / "pg_ctl",
                *("start", "--pgdata", self._files.data, "--log", self._files.log, "--silent"),
                *("--wait", "--timeout", str(START_TIMEOUT_SECONDS), "--options", words),
                log=self._files.log,
            )
        except BaseException:  # the server may come up nevertheless
            with contextlib.suppress(DatabaseError):
                self._shut_down()
            raise

    def _shut_down(self) -> None:
        """Stop the server, unless another process uses it."""
        with contextlib.suppress(BlockingIOError), self._files.lock_sole_use():
            try:
                run_program(
                    find_binaries() / "pg_ctl",
                    *("stop", "--pgdata", self._files.data, "--mode", "fast", "--silent"),
                    log=self._files.log,
                )
            finally:
                if self._files.sockets != self._files.path:
                    with contextlib.suppress(OSError):
                        self._files.sockets.rmdir()

    def _is_accepting(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self._files.socket)) == 0


def _choose_buffers_mib() -> int:
    """Return a quarter of the memory, as PostgreSQL's documentation advises, up to what a load needs.

    https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # no limit, or none in that file
        memory = min(memory, int(_MEMORY_OF_CONTAINER.read_text()))
    return min(max(memory // 4 // 1024**2, _MIN_BUFFERS_MIB), _MAX_BUFFERS_MIB)
