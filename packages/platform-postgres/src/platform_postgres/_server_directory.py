"""The directory of a server: its files, the folder of its socket, and its locks between processes."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

from platform_interfaces import ConfigurationError, ConnectionLostError
from platform_postgres._account import (
    belongs_to_service_account,
    chown_to_service_account,
    service_account,
)
from platform_postgres._directories import (
    SYSTEM_FOLDER,
    check_owner,
    check_reachable,
    choose_directory,
    claim_system_folder,
    make_private,
)

START_TIMEOUT_SECONDS = 60
# What the shell of pg_ctl, the setting of the sockets or the lines of postmaster.pid would read differently.
_UNUSABLE = re.compile(r'["$,\\`\n]')
_SOCKETS = Path("/tmp")  # noqa: S108 - short, and the same for all whatever TMPDIR says
_MAX_SOCKET_PATH_BYTES = 103  # the smallest limit among the systems PostgreSQL runs on


class ServerDirectory:
    """The directory that was asked for, or the one that ``choose_directory`` gives for it."""

    def __init__(self, requested: Path, port: int) -> None:
        """Choose the directory; nothing is made.

        Raises:
            ConfigurationError: when a relative path has nothing to start from.
        """
        try:
            self._requested = requested.absolute()
        except FileNotFoundError:
            raise ConfigurationError(
                f"directory {str(requested)!r} (DB_EMBEDDED_DIR) cannot be used: "
                "the working directory does not exist any more"
            ) from None
        self.path = choose_directory(self._requested)
        self.data = self.path / "data"
        self.log = self.path / "server.log"
        self._transitions = self.path / "transition.lock"  # the first file made: marks a server's directory
        self._users = self.path / "users.lock"
        self._port = port

    @property
    def sockets(self) -> Path:
        """Return the folder of the socket: the directory, or one in /tmp where the path would be too long."""
        if len(os.fsencode(self.path / f".s.PGSQL.{self._port}")) <= _MAX_SOCKET_PATH_BYTES:
            return self.path
        name = sha256(os.fsencode(self.path)).hexdigest()[:16]
        return _SOCKETS / f"platform-postgres-{os.getuid()}-{name}"

    @property
    def socket(self) -> Path:
        """Return the path of the socket; the port is part of its name, even without TCP."""
        return self.sockets / f".s.PGSQL.{self._port}"

    @property
    def process_files(self) -> tuple[Path, Path]:
        """Return the files that name the process of the server by its number."""
        return self.data / "postmaster.pid", self.socket.with_name(f"{self.socket.name}.lock")

    def has_data(self) -> bool:
        """Return whether data were made before; False where that cannot be found out."""
        try:
            return self.data.exists()
        except OSError:  # a directory that is closed to us, before Python 3.14
            return False

    def check(self) -> None:
        """Refuse a directory of another user or with other files; change nothing.

        Raises:
            ConfigurationError: says why, and what to do.
        """
        if found := _UNUSABLE.search(str(self.path)):
            raise ConfigurationError(
                f"{self._name} has {found[0]!r} in its path, which PostgreSQL cannot take"
            )
        account = service_account()
        try:
            for directory in {self._requested, self.path}:
                check_owner(directory, account, self._name)
            if self.path.exists():
                if any(self.path.iterdir()) and not self._transitions.exists():
                    raise ConfigurationError(
                        f"{self._name} is not empty and was not made for a server: name a new one"
                    )
                check_reachable(self.path, account, self._name)
        except OSError as error:
            raise self._unusable(error) from error

    def claim(self) -> None:
        """Make the directory where it is missing, and make it private.

        Raises:
            ConfigurationError: when it cannot be made.
        """
        if self.path.parent == SYSTEM_FOLDER:
            claim_system_folder()
        try:
            make_private(self.path, service_account())
        except OSError as error:
            raise self._unusable(error) from error

    def claim_sockets(self) -> None:
        """Make the folder of the socket where it is missing.

        Raises:
            ConfigurationError: when it cannot be made, or is not ours: in /tmp, anybody may use its name.
        """
        if self.sockets == self.path:
            return
        try:
            self.sockets.mkdir(mode=0o700)
            chown_to_service_account(self.sockets)
        except FileExistsError:
            if not belongs_to_service_account(self.sockets):
                raise ConfigurationError(
                    f"{str(self.sockets)!r}, where the socket of {str(self.path)!r} belongs, "
                    "is not a directory of this server: remove it"
                ) from None
        except OSError as error:
            raise ConfigurationError(
                f"directory {str(self.sockets)!r} for the socket cannot be made: {error.strerror}: "
                "set DB_EMBEDDED_DIR to a shorter path, which has room for the socket"
            ) from error

    @contextmanager
    def transition(self) -> Iterator[None]:
        """Keep other processes from starting or stopping the server inside the block.

        Raises:
            ConnectionLostError: when another process does so for too long.
        """
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                lock = self._lock(self._transitions, fcntl.LOCK_EX)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConnectionLostError(
                        f"another process has been starting or stopping the server "
                        f"in {str(self.path)!r} for over {START_TIMEOUT_SECONDS} s"
                    ) from None
                time.sleep(0.05)
        with lock:
            yield

    def lock_use(self) -> IO[bytes]:
        """Return the open file that says that this process uses the server; closing it ends the use."""
        return self._lock(self._users, fcntl.LOCK_SH)

    def lock_sole_use(self) -> IO[bytes]:
        """Return the same for a process that is the only one.

        Raises:
            BlockingIOError: when another process uses the server.
        """
        return self._lock(self._users, fcntl.LOCK_EX)

    def _lock(self, path: Path, mode: int) -> IO[bytes]:
        """Return the open file that holds the lock until it is closed, also by the end of the process.

        Raises:
            BlockingIOError: when another process holds it.
            ConfigurationError: when the file cannot be opened.
        """
        try:
            file = path.open("ab")
        except OSError as error:
            raise ConfigurationError(
                f"{self._name} cannot be used: {str(path)!r} cannot be opened: {error.strerror}: make it a "
                "file of the user who runs this, or set DB_EMBEDDED_DIR to a new directory"
            ) from error
        try:
            fcntl.flock(file, mode | fcntl.LOCK_NB)
        except BaseException:
            file.close()
            raise
        return file

    @property
    def _name(self) -> str:
        return f"directory {str(self._requested)!r} (DB_EMBEDDED_DIR)"

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"{self._name} cannot be used: {error.strerror}: set it to a directory that can be written"
        )
