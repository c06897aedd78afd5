"""The implementations of one run: built from secrets, opened in order, undone in reverse."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from platform_cli import registry
from platform_cli.secrets import SecretsWithDefaults
from platform_cli.settings import Settings
from platform_interfaces import (
    ConfigurationError,
    DatabaseInterface,
    FileSystemInterface,
    Lifecycle,
    LoggingInterface,
    PlatformContext,
    SecretsInterface,
)

_INTERFACES: Mapping[str, type] = {
    "database": DatabaseInterface,
    "filesystem": FileSystemInterface,
    "logging": LoggingInterface,
    "secrets": SecretsInterface,
}


class Container:
    """Builds what the settings name; ``lifecycle`` undoes what was opened.

    Attributes:
        secrets: the store that everything else is constructed from.
        log: the logger of the run, whether or not the module declares one.

    Raises:
        ConfigurationError: when either of them cannot be built.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lifecycle = Lifecycle()
        self.secrets: SecretsInterface = settings.values  # what a secret store reads its own settings from
        if settings.implementations["secrets"].value != "env":
            self.secrets = self._build("secrets")
        self.log: LoggingInterface = self._build("logging")

    async def open_database(self, defaults: Mapping[str, str] = MappingProxyType({})) -> DatabaseInterface:
        """The database, connected until ``lifecycle`` shuts down; ``defaults`` are for what is not set."""
        database: DatabaseInterface = self._build("database", SecretsWithDefaults(self.secrets, defaults))
        await database.connect()
        self.lifecycle.on_shutdown(database.disconnect)
        return database

    async def open_context(self, interfaces: Iterable[str], config: Mapping[str, Any]) -> PlatformContext:
        """What a module is run with: the declared interfaces, and nothing else."""
        declared = set(interfaces)
        return PlatformContext(
            log=self.log if "logging" in declared else None,
            fs=self._build("filesystem") if "filesystem" in declared else None,
            db=await self.open_database() if "database" in declared else None,
            secrets=self.secrets if "secrets" in declared else None,
            config=config,
            lifecycle=self.lifecycle,
        )

    def _build(self, kind: str, secrets: SecretsInterface | None = None) -> Any:
        chosen = self.settings.implementations[kind]
        try:
            implementation = registry.load(kind, chosen.value)(secrets or self.secrets)
        except ConfigurationError as error:
            if chosen.origin == "default":  # nobody chose it, and naming it would not help
                raise
            raise ConfigurationError(f"{error} (chosen by {chosen.origin})") from error
        if not isinstance(implementation, _INTERFACES[kind]):
            target = registry.reference(kind, chosen.value)
            raise ConfigurationError(
                f"{target!r} makes no {_INTERFACES[kind].__name__}; {kind} {chosen.value!r} needs one"
            )
        return implementation
