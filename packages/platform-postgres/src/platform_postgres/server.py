"""A PostgreSQL server of one's own, from the binaries that the extra ``embedded`` brings."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shlex
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import IO
from urllib.parse import quote

from platform_interfaces import ConfigurationError, ConnectionLostError, DatabaseError
from platform_postgres._account import check_name, hand_over, is_handed_over, stand_in
from platform_postgres._directories import (
    SYSTEM_FOLDER,
    check_owner,
    check_reachable,
    choose_directory,
    claim_system_folder,
    make_private,
)
from platform_postgres._programs import find_binaries, run_program

START_TIMEOUT_SECONDS = 60
_PF_EXITING = 0x4  # https://github.com/torvalds/linux/blob/master/include/linux/sched.h
_NO_PROCESS = 4_194_304  # Linux gives out smaller numbers only (PID_MAX_LIMIT)
# What the shell of pg_ctl, the setting of the sockets or the lines of postmaster.pid would read differently.
_UNUSABLE = re.compile(r'["$,\\`\n]')
# https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
_MEMORY_OF_CONTAINER = Path("/sys/fs/cgroup/memory.max")
_SOCKETS = Path("/tmp")  # noqa: S108 - short, and the same for all whatever TMPDIR says
# PostgreSQL's default; and what the indexes of ten million events need.
_LEAST_BUFFERS_MIB, _MOST_BUFFERS_MIB = 128, 1024
_LONGEST_SOCKET_PATH = 103  # bytes; the smallest limit among the systems PostgreSQL runs on


class PostgresServer:
    """A server whose data, log and socket live in ``directory``, private to the user.

    It listens on a unix socket only, unless ``options`` say otherwise. Processes share it: the first
    ``start`` starts it, the last ``stop`` stops it, and a process that was killed counts as stopped.

    PostgreSQL refuses to run as root. For root it runs as the system account "platform-postgres", which is
    made when it is missing. Where that account cannot pass through the directories above, the data, and a
    copy of the programs, are in "/var/lib/platform-postgres"; no existing directory is changed.
    """

    def __init__(self, directory: Path, options: Mapping[str, str] | None = None) -> None:
        """Nothing is started yet.

        Args:
            directory: made when it is missing.
            options: settings of postgresql.conf, used by whoever starts the server.
        """
        try:
            self._requested = directory.absolute()
        except FileNotFoundError:
            raise ConfigurationError(
                f"directory {str(directory)!r} (DB_EMBEDDED_DIR) cannot be used: "
                "the working directory does not exist any more"
            ) from None
        self._directory = choose_directory(self._requested)
        self._data = self._directory / "data"
        self._transitions = self._directory / "transition.lock"  # the first file made, so the sign of our own
        self._users = self._directory / "users.lock"
        self._log = self._directory / "server.log"
        self._options = dict(options or {})
        self._port = int(self._options.get("port", 5432))  # part of the socket's name, even without TCP
        self._use: IO[bytes] | None = None
        self._mutex = threading.Lock()  # start and stop may come from two threads, when a start is cancelled

    def start(self) -> None:
        """Have the server running and accepting connections; a second call does nothing. Blocks.

        Raises:
            ConfigurationError: when the extra ``embedded`` is not installed, or the directory cannot be used.
            DatabaseError: when the server does not start; the message quotes what it says.
            ConnectionLostError: when another process is starting or stopping it for too long.
        """
        with self._mutex:
            if self._use is not None:
                return
            self._check_directory()
            if not self.has_data():
                check_name()
            binaries = find_binaries()
            self._claim_directory()
            with self._transition():
                self._claim_sockets()
                self._lock(self._users, fcntl.LOCK_SH).close()  # a server that nobody can stop is not started
                if not self._data.exists():
                    self._initialise(binaries)
                if not self._is_accepting():
                    self._forget_stale_process()
                    self._launch(binaries)
                self._use = self._lock(self._users, fcntl.LOCK_SH)

    def stop(self) -> None:
        """Give up this use of the server, and stop it when nobody else uses it. Blocks."""
        with self._mutex:
            if self._use is None:
                return
            with self._transition():
                self._use.close()
                self._use = None
                if self._is_accepting():
                    self._shut_down()

    @property
    def directory(self) -> Path:
        """Where the data are."""
        return self._directory

    def has_data(self) -> bool:
        """Whether data were made before; False where that cannot be found out."""
        try:
            return self._data.exists()
        except OSError:  # a directory that is closed to us, before Python 3.14
            return False

    def url(self, database: str = "postgres") -> str:
        """The URL of one of its databases, through the socket."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self._sockets))}&port={self._port}"

    @property
    def _sockets(self) -> Path:
        if len(os.fsencode(self._directory / f".s.PGSQL.{self._port}")) <= _LONGEST_SOCKET_PATH:
            return self._directory
        name = sha256(os.fsencode(self._directory)).hexdigest()[:16]
        return _SOCKETS / f"platform-postgres-{os.getuid()}-{name}"

    @contextmanager
    def _transition(self) -> Iterator[None]:
        """Nobody else starts or stops this server meanwhile."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                lock = self._lock(self._transitions, fcntl.LOCK_EX)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConnectionLostError(
                        f"another process has been starting or stopping the server "
                        f"in {str(self._directory)!r} for over {START_TIMEOUT_SECONDS} s"
                    ) from None
                time.sleep(0.05)
        with lock:
            yield

    def _initialise(self, binaries: Path) -> None:
        # Renamed when done, so that a kill half-way leaves no ruin; initdb may write on after one.
        unfinished = self._directory / f"data.new-{token_hex(8)}"
        try:
            run_program(
                binaries / "initdb",
                *("--pgdata", unfinished, "--username", "postgres"),
                *("--auth-host", "scram-sha-256"),
                *("--auth-local", "trust"),  # the socket's directory is private
                *("--encoding", "UTF8", "--no-locale"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
                "--no-instructions",
                log=self._log,
            )
            unfinished.rename(self._data)
        finally:
            for ruin in self._directory.glob("data.new*"):
                shutil.rmtree(ruin, ignore_errors=True)

    def _launch(self, binaries: Path) -> None:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
            # The client is told of its errors; in the log they would keep statements and values of rows.
            "log_min_messages": "log",
            "log_error_verbosity": "terse",
            "shared_buffers": f"{_buffers_mib()}MB",
            # With less, checkpoints follow one another, and after each the pages of indexes are logged anew.
            "max_wal_size": "4GB",
            **self._options,
        }
        words = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())
        try:
            run_program(
                binaries / "pg_ctl",
                *("start", "--pgdata", self._data, "--log", self._log, "--silent"),
                *("--wait", "--timeout", str(START_TIMEOUT_SECONDS), "--options", words),
                log=self._log,
            )
        except BaseException:  # the server may come up nevertheless
            with contextlib.suppress(DatabaseError):
                self._shut_down()
            raise

    def _shut_down(self) -> None:
        """Stop the server, unless somebody uses it."""
        with contextlib.suppress(BlockingIOError), _locked(self._users, fcntl.LOCK_EX):
            try:
                run_program(
                    find_binaries() / "pg_ctl",
                    *("stop", "--pgdata", self._data, "--mode", "fast", "--silent"),
                    log=self._log,
                )
            finally:
                if self._sockets != self._directory:
                    with contextlib.suppress(OSError):
                        self._sockets.rmdir()

    def _forget_stale_process(self) -> None:
        """Let a new server follow one that was killed, whose number is in use by another process or a zombie.

        PostgreSQL takes any process of that number for its server. The files are kept: by the shared memory
        they name PostgreSQL finds out whether children of the killed server are still at work.
        """
        for file in (self._data / "postmaster.pid", self._sockets / f".s.PGSQL.{self._port}.lock"):
            try:
                number, others = file.read_text().split("\n", 1)
                is_stale = _is_zombie(number) or not _may_be_server(number, self._data)
            except (OSError, ValueError):
                continue
            if is_stale:
                file.write_text(f"{_NO_PROCESS}\n{others}")

    def _is_accepting(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self._sockets / f".s.PGSQL.{self._port}")) == 0

    @property
    def _name(self) -> str:
        return f"directory {str(self._requested)!r} (DB_EMBEDDED_DIR)"

    def _check_directory(self) -> None:
        """Refuse a directory of others or of other things; nothing is changed."""
        if found := _UNUSABLE.search(str(self._directory)):
            raise ConfigurationError(
                f"{self._name} has {found[0]!r} in its path, which PostgreSQL cannot be told"
            )
        account = stand_in()
        try:
            for directory in {self._requested, self._directory}:
                check_owner(directory, account, self._name)
            if self._directory.exists():
                if any(self._directory.iterdir()) and not self._transitions.exists():
                    raise ConfigurationError(
                        f"{self._name} is not empty and was not made for a server: name a new one"
                    )
                check_reachable(self._directory, account, self._name)
        except OSError as error:
            raise self._unusable(error) from error

    def _claim_directory(self) -> None:
        """Have the directory, private."""
        if self._directory.parent == SYSTEM_FOLDER:
            claim_system_folder()
        try:
            make_private(self._directory, stand_in())
        except OSError as error:
            raise self._unusable(error) from error

    def _lock(self, path: Path, mode: int) -> IO[bytes]:
        """Return what ``_locked`` does; a file that cannot be opened makes the directory unusable."""
        try:
            return _locked(path, mode)
        except BlockingIOError:
            raise
        except OSError as error:
            raise ConfigurationError(
                f"{self._name} cannot be used: {str(path)!r} cannot be opened: {error.strerror}: make it a "
                "file of the user who runs this, or set DB_EMBEDDED_DIR to a new directory"
            ) from error

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"{self._name} cannot be used: {error.strerror}: set it to a directory that can be written"
        )

    def _claim_sockets(self) -> None:
        """Have the folder of the socket; in /tmp, others may have put something of its name there."""
        if self._sockets == self._directory:
            return
        try:
            self._sockets.mkdir(mode=0o700)
            hand_over(self._sockets)
        except FileExistsError:
            if not is_handed_over(self._sockets):
                raise ConfigurationError(
                    f"{str(self._sockets)!r}, where the socket of {str(self._directory)!r} belongs, "
                    "is not a directory of its own: remove it"
                ) from None
        except OSError as error:
            raise ConfigurationError(
                f"directory {str(self._sockets)!r} for the socket cannot be made: {error.strerror}: "
                "set DB_EMBEDDED_DIR to a shorter path, which has room for the socket"
            ) from error


def _buffers_mib() -> int:
    """A quarter of the memory, as PostgreSQL's documentation advises, but no more than a load needs.

    https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # no limit, or none that is told there
        memory = min(memory, int(_MEMORY_OF_CONTAINER.read_text()))
    return min(max(memory // 4 // 1024**2, _LEAST_BUFFERS_MIB), _MOST_BUFFERS_MIB)


def _locked(path: Path, mode: int) -> IO[bytes]:
    """The open file that holds the lock until it is closed, also by the end of the process.

    Raises:
        BlockingIOError: when somebody else holds it.
    """
    file = path.open("ab")
    try:
        fcntl.flock(file, mode | fcntl.LOCK_NB)
    except BaseException:
        file.close()
        raise
    return file


def _is_zombie(number: str) -> bool:
    """Whether the process with that number is one; a process that is about to end is waited for.

    Raises:
        OSError: when there is none.
    """
    while True:
        state, *others = Path("/proc", number, "stat").read_text().rpartition(")")[2].split()
        if state == "Z" or not int(others[5]) & _PF_EXITING:
            return state == "Z"
        time.sleep(0.01)


def _may_be_server(number: str, data: Path) -> bool:
    """Whether the living process with that number is, or could be, the server of ``data``.

    A server belongs to the owner of its data, and works in their directory.

    Raises:
        OSError: when the process is gone.
    """
    process = Path("/proc", number)
    if process.stat().st_uid != data.stat().st_uid:
        return False
    try:
        return (process / "cwd").samefile(data)
    except PermissionError:  # root of a container without the right to look
        return (process / "comm").read_text().strip() == "postgres"
