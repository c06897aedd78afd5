"""The adapters of one run: built from secrets, opened in order, closed in reverse."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from platform_cli import registry
from platform_cli._adapter_construction import construct
from platform_cli._announcement import log_locations, log_settings
from platform_cli._blame import Owner
from platform_cli._open_adapters import OpenAdapters
from platform_cli._unknown_settings import find_unknown
from platform_cli.interfaces import INTERFACES
from platform_cli.manifest import Manifest
from platform_cli.run_executor import fit_executor, prepare_executor
from platform_cli.secrets import AdapterSecrets
from platform_cli.settings import Settings
from platform_interfaces import (
    ConfigurationError,
    DatabaseInterface,
    Lifecycle,
    LoggingInterface,
    MissingSecretError,
    PlatformContext,
    Run,
    SecretsInterface,
)

_BY_KIND = {each.kind: each for each in INTERFACES}
_Values = Mapping[str, str]
_NONE: _Values = MappingProxyType({})
_ALWAYS_BUILT = ("logging", "secrets")


class Container:
    """Builds and opens the adapters that the settings name.

    Args:
        settings: those of the run.
        log_fields: what each line of the log has.
        logger: the logger; the one that the settings name unless given.
        is_worker: whether it is for a worker, whose run has logged what is to be said of the settings.

    Attributes:
        secrets: the store that everything else is constructed from.
        log: the logger of the run, whether or not the module declares one.
        owners: whose code each package is, for errors.
        locations: where the run works, by the names that the log has for it.

    Raises:
        ConfigurationError: when the store or the logger cannot be built.
    """

    def __init__(
        self,
        settings: Settings,
        log_fields: _Values = _NONE,
        logger: LoggingInterface | None = None,
        *,
        is_worker: bool = False,
    ) -> None:
        self.settings = settings
        self.owners: dict[str, Owner] = {}
        self.locations: Mapping[str, str] = {}
        self._adapters = OpenAdapters(settings.implementations, self.owners)
        self._asked = set[str]()
        self._is_worker = self._is_announced = is_worker
        self._built: dict[str, Any] = {}
        self.secrets: SecretsInterface = settings.values  # what a secret store reads its own settings from
        if settings.implementations["secrets"].value != "env":
            self.secrets = self._build("secrets")
        secrets = AdapterSecrets(self.secrets, given=settings.given)
        self._logger: LoggingInterface = logger or self._build("logging", secrets)
        self._log_fields = log_fields
        self.log = self._logger.bind(**log_fields)

    @property
    def lifecycle(self) -> Lifecycle:
        """Return what closes the adapters that are opened after the database, and what a module opens."""
        return self._adapters.lifecycle

    @property
    def database_lifecycle(self) -> Lifecycle:
        """Return what closes the database and the secret store, when the run is in the history."""
        return self._adapters.database_lifecycle

    @property
    def log_lifecycle(self) -> Lifecycle:
        """Return what closes the logger, after the last line."""
        return self._adapters.log_lifecycle

    async def open_database(self, defaults: _Values = _NONE) -> DatabaseInterface:
        """Return the database, connected until ``database_lifecycle`` shuts down; see ``open_context``."""
        return (await self.open_context(["database"], {}, defaults)).db

    async def open_context(
        self,
        interfaces: Iterable[str],
        config: Mapping[str, Any],
        defaults: _Values = _NONE,
        run: Run | None = None,
        *,
        is_quiet: bool = False,
    ) -> PlatformContext:
        """Return what a module is run with: the declared interfaces, and nothing else.

        Logger and secret store are opened first and closed last. Where the run works is logged before the
        others are, with ``is_quiet`` at DEBUG; ``defaults`` are for settings that are not set.

        Raises:
            ConfigurationError: when an adapter cannot be built; names all problems.
            PlatformError: when an adapter cannot be opened; the lifecycles close those before it.
        """
        declared, always = set(interfaces), await self._open_always()
        try:
            built = self._build_declared(declared, defaults)
        except ConfigurationError:  # what is missing may be set under a mistyped name
            self._warn_of_unknown(is_complete="secrets" not in declared)
            raise
        self.locations = log_locations(self.log, self.settings, built, run, is_quiet=is_quiet)
        self.log_settings()
        executor = built.pop("executor", None)
        try:
            await self._adapters.open(built)
            if executor:
                built["executor"] = fit_executor(executor, built, self.settings, self.log)
            adapters = {
                _BY_KIND[kind].field: each for kind, each in (always | built).items() if kind in declared
            }
            context = PlatformContext(**adapters, config=config, lifecycle=self.lifecycle, run=run)
            if executor:
                prepare_executor(context, declared, self.settings, self.log)
            await self._adapters.open(built)  # the executor is the last
        finally:
            self._warn_of_unknown(is_complete="secrets" not in declared)
        return context

    async def open_existing_database(self, defaults: _Values = _NONE) -> DatabaseInterface:
        """Return the database, connected until ``database_lifecycle`` shuts down; nothing is made or logged.

        Raises:
            DatabaseMissingError: when there is none yet.
            PlatformError: when it cannot be built or opened.
        """
        database: DatabaseInterface = await self.open_adapter("database", defaults)
        return database

    async def open_adapter(self, kind: str, defaults: _Values = _NONE) -> Any:
        """Return the adapter of an interface, open until its lifecycle shuts down; see ``build_adapter``."""
        adapter = await self.build_adapter(kind, defaults)
        await self._adapters.open({kind: adapter})
        return adapter

    async def build_adapter(self, kind: str, defaults: _Values = _NONE) -> Any:
        """Return the adapter of an interface, not opened; later it makes no database; nothing is logged.

        Raises:
            PlatformError: when it cannot be built, or the logger or the secret store cannot be opened.
        """
        adapters = await self._open_always()
        if kind not in adapters:
            adapters = self._build_declared({kind}, defaults, registry.MAKES_NOTHING)
        return adapters[kind]

    def add_module(self, manifest: Manifest) -> None:
        """Attribute errors in the code of a module to it."""
        self.owners[manifest.package.partition(".")[0]] = Owner(f"module {manifest.name!r}", is_module=True)

    def log_settings(self) -> None:
        """Log where the settings come from and what to mend in them, once."""
        if self._is_announced:
            return
        self._is_announced = True
        log_settings(self.log, self.settings)

    async def _open_always(self) -> dict[str, Any]:
        await self._adapters.open({"logging": self._logger, "secrets": self.secrets})
        # Once more: a copy that was bound before may lack what the logger has opened.
        self.log = self._logger.bind(**self._log_fields)
        return {"logging": self.log, "secrets": self.secrets}

    def _warn_of_unknown(self, *, is_complete: bool) -> None:
        if self._is_worker:
            return
        layers, is_complete = self.settings.values.layers, is_complete and self.settings.knows_all_names
        unknown = find_unknown(layers, self._asked, is_complete=is_complete)
        if unknown:
            self.log.warn("Settings that nothing reads", names=", ".join(map(str, unknown)))

    def _build_declared(self, kinds: set[str], defaults: _Values, given: _Values = _NONE) -> dict[str, Any]:
        deployed_env = self.settings.env.value if self.settings.is_deployed else ""
        secrets = AdapterSecrets(self.secrets, defaults, deployed_env, given)
        secrets.asked = self._asked
        built: dict[str, Any] = {}
        problems: list[ConfigurationError] = []
        for kind in (each for each in _BY_KIND if each in kinds and each not in _ALWAYS_BUILT):
            try:
                self._built[kind] = built[kind] = self._built.get(kind) or self._build(kind, secrets)
            except ConfigurationError as error:
                problems.append(error)
        if problems:
            raise problems[0] if len(problems) == 1 else ConfigurationError("\n".join(map(str, problems)))
        return built

    def _build(self, kind: str, secrets: SecretsInterface | None = None) -> Any:
        chosen = self.settings.implementations[kind]
        if not chosen.value:
            raise MissingSecretError(self.settings.explain_unchosen(kind))
        try:
            adapter = construct(kind, chosen.value, secrets or self.secrets, self.owners)
        except ConfigurationError as error:
            if chosen.origin == "default":  # it was not chosen, and naming it would not help
                raise
            raise ConfigurationError(f"{error} (chosen by {chosen.origin})") from error
        wanted, target = _BY_KIND[kind].type, registry.reference(kind, chosen.value)
        if not isinstance(adapter, wanted):
            raise ConfigurationError(
                f"{target!r} does not make a {wanted.__name__}, which {kind} {chosen.value!r} must be"
            )
        return adapter
