"""PostgreSQL without an installation: the adapter, on a server it starts itself."""

import asyncio
from pathlib import Path

from platform_interfaces import ConfigurationError, SecretsInterface
from platform_postgres._target import Target, read_target
from platform_postgres.database import PostgresDatabase
from platform_postgres.server import PostgresServer

__all__ = ["EmbeddedPostgresDatabase"]

DEFAULT_DIRECTORY = ".platform/postgres"


class EmbeddedPostgresDatabase(PostgresDatabase):
    """``PostgresDatabase`` on a server under ``DB_EMBEDDED_DIR`` (default ``.platform/postgres``).

    Processes that use the same directory share the server; the last one to disconnect stops it.
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
        self._server = PostgresServer(Path(directory))

    async def connect(self) -> None:
        """Start the server if nobody has, and open the pool.

        Raises:
            ConfigurationError: when the extra ``embedded`` is not installed, or the directory cannot be used.
            DatabaseError: when the server does not start.
        """
        try:
            await super().connect()
        except BaseException:
            await asyncio.to_thread(self._server.stop)
            raise

    async def _locate(self) -> Target:
        await asyncio.to_thread(self._server.start)
        return read_target(
            self._server.url(),
            None,
            place=self.location,
            setting="DB_EMBEDDED_DIR",
            timeout_seconds=self._settings.connect_timeout_seconds,
        )

    @property
    def location(self) -> str:
        """The directory of the server."""
        return f"embedded in {self._server.directory}"

    async def disconnect(self) -> None:
        """Close the pool, and stop the server when nobody else uses it."""
        try:
            await super().disconnect()
        finally:
            await asyncio.to_thread(self._server.stop)
