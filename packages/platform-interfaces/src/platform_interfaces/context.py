"""The context that a module runs in."""

from collections.abc import Mapping
from typing import Any, TypeVar

from platform_interfaces.database import DatabaseInterface
from platform_interfaces.errors import ConfigurationError
from platform_interfaces.executor import ExecutorInterface
from platform_interfaces.filesystem import FileSystemInterface
from platform_interfaces.lifecycle import Lifecycle
from platform_interfaces.logging import LoggingInterface
from platform_interfaces.run import Run
from platform_interfaces.secrets import SecretsInterface

T = TypeVar("T")


class PlatformContext:
    """The adapters chosen for this run, and the module's arguments as ``config``.

    It has only the interfaces that ``module.json`` declares under ``dependencies.interfaces``; ``config``,
    ``lifecycle`` and ``run`` are always there.
    """

    def __init__(
        self,
        *,
        log: LoggingInterface | None = None,
        db: DatabaseInterface | None = None,
        fs: FileSystemInterface | None = None,
        secrets: SecretsInterface | None = None,
        executor: ExecutorInterface | None = None,
        config: Mapping[str, Any] | None = None,
        lifecycle: Lifecycle | None = None,
        run: Run | None = None,
    ) -> None:
        self._log, self._db, self._fs, self._secrets, self._executor = log, db, fs, secrets, executor
        self.config: Mapping[str, Any] = config if config is not None else {}
        self.lifecycle = lifecycle if lifecycle is not None else Lifecycle()
        self.run = run if run is not None else Run(arguments=self.config)

    @property
    def log(self) -> LoggingInterface:
        """Return the logger.

        Raises:
            ConfigurationError: when the module does not declare "logging".
        """
        return _declared(self._log, "logging")

    @property
    def db(self) -> DatabaseInterface:
        """Return the database, connected.

        Raises:
            ConfigurationError: when the module does not declare "database".
        """
        return _declared(self._db, "database")

    @property
    def fs(self) -> FileSystemInterface:
        """Return the file system.

        Raises:
            ConfigurationError: when the module does not declare "filesystem".
        """
        return _declared(self._fs, "filesystem")

    @property
    def secrets(self) -> SecretsInterface:
        """Return the secret store.

        Raises:
            ConfigurationError: when the module does not declare "secrets".
        """
        return _declared(self._secrets, "secrets")

    @property
    def has_executor(self) -> bool:
        """Return whether there is an executor; without one, a module does its work in this process."""
        return self._executor is not None

    @property
    def executor(self) -> ExecutorInterface:
        """Return the executor, connected.

        Raises:
            ConfigurationError: when the module does not declare "executor".
        """
        return _declared(self._executor, "executor")


def _declared(adapter: T | None, interface: str) -> T:
    if adapter is None:
        raise ConfigurationError(
            f"this module uses {interface!r} without declaring it: "
            f"add {interface!r} to dependencies.interfaces in its module.json"
        )
    return adapter
