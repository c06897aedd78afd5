"""PostgreSQL without an installation: the adapter, on a server it starts itself."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from platform_interfaces import (
    Check,
    ConfigurationError,
    DatabaseMissingError,
    Finding,
    SecretsInterface,
    check_free_space,
)
from platform_postgres._target import Target, read_target
from platform_postgres.database import PostgresDatabase
from platform_postgres.server import PostgresServer

__all__ = ["EmbeddedPostgresDatabase"]

DEFAULT_DIRECTORY = ".platform/postgres"


class EmbeddedPostgresDatabase(PostgresDatabase):
    """``PostgresDatabase`` on a server under ``DB_EMBEDDED_DIR`` (default ``.platform/postgres``).

    Processes that use the same directory share the server; the last one to disconnect stops it. Without
    data in it, ``DB_EMBEDDED_CREATE=false`` refuses to make them, and ``temporary``, which a dry run uses,
    makes a server that is removed at the end with all that was written.
    """

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the settings; nothing is started.

        Raises:
            ConfigurationError: when a setting has a bad value.
        """
        super().__init__(secrets)
        directory = secrets.get_location("DB_EMBEDDED_DIR", DEFAULT_DIRECTORY)
        if not directory.strip():
            raise ConfigurationError(
                f"DB_EMBEDDED_DIR is empty: name a directory, or leave it out for {DEFAULT_DIRECTORY!r}"
            )
        self._create = _read_create(secrets)
        self._server = PostgresServer(Path(directory))
        self._temporary: Path | None = None
        self._temporary_server: PostgresServer | None = None

    async def connect(self) -> None:
        """Start the server unless it runs, and open the pool.

        Raises:
            ConfigurationError: when the extra ``embedded`` is not installed, or the directory cannot be used.
            DatabaseMissingError: when it has no data, and ``DB_EMBEDDED_CREATE`` is false.
            DatabaseError: when the server does not start.
        """
        try:
            await super().connect()
        except BaseException:
            await asyncio.to_thread(self._stop)
            raise

    async def _locate(self) -> Target:
        # Not in the thread: a cancelled start goes on there, and _stop() must know its server.
        server = self._choose_server()
        await asyncio.to_thread(server.start)
        return read_target(
            server.url(),
            None,
            name=self.location,
            setting="DB_EMBEDDED_DIR",
            timeout_seconds=self._settings.connect_timeout_seconds,
            server_log=str(server.log),
        )

    @property
    def location(self) -> str:
        """Return the directory of the server."""
        return f"embedded in {(self._temporary_server or self._server).directory}"

    async def disconnect(self) -> None:
        """Close the pool, and stop the server when no other process uses it."""
        try:
            await super().disconnect()
        finally:
            await asyncio.to_thread(self._stop)

    def list_checks(self) -> Sequence[Check]:
        """Return the checks of a server, and one of the space for its data."""
        return (*super().list_checks(), Check("database disk", self._check_disk))

    async def _check_disk(self) -> Finding:
        return await asyncio.to_thread(check_free_space, str(self._server.directory), "DB_EMBEDDED_DIR")

    def _choose_server(self) -> PostgresServer:
        """Return the server of the directory, or a temporary one."""
        if self._create != "true" and not self._server.has_data():
            if self._create == "false":
                raise DatabaseMissingError(
                    f"there are no data of a server in {str(self._server.directory)!r} (DB_EMBEDDED_DIR; is "
                    "the disk mounted?): set DB_EMBEDDED_CREATE=true to make them"
                )
            self._temporary = _make_temporary()
            self._temporary_server = PostgresServer(self._temporary / "postgres")
            self.is_in_process = True
        return self._temporary_server or self._server

    def _stop(self) -> None:
        server, self._temporary_server = self._temporary_server, None
        folder, self._temporary = self._temporary, None
        try:
            (server or self._server).stop()
        finally:
            if server is not None:
                shutil.rmtree(server.directory, ignore_errors=True)
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def _make_temporary() -> Path:
    try:
        folder = Path(mkdtemp(prefix="platform-postgres-"))
    except OSError as error:
        raise ConfigurationError(
            f"a temporary directory cannot be made ({error.strerror or error}): "
            "set TMPDIR to a directory that can be written"
        ) from error
    if os.geteuid() == 0:
        folder.chmod(0o711)  # for the account that PostgreSQL runs as
    return folder


def _read_create(secrets: SecretsInterface) -> str:
    text = (secrets.get("DB_EMBEDDED_CREATE") or "true").strip().lower()
    if text not in ("true", "false", "temporary"):
        raise ConfigurationError(f"DB_EMBEDDED_CREATE must be true, false or temporary, not {text!r}")
    return text
