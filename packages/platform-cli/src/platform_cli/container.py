"""The adapters of one run: built from secrets, opened in order, closed in reverse."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

from platform_cli import registry
from platform_cli._announcement import log_locations, log_settings
from platform_cli._blame import Owner, attribute
from platform_cli._unknown_settings import find_unknown
from platform_cli.failures import AdapterFailedError, describe
from platform_cli.flags import ADAPTER_FLAGS
from platform_cli.interfaces import INTERFACES
from platform_cli.secrets import AdapterSecrets
from platform_cli.settings import Settings
from platform_interfaces import (
    AsyncResource,
    ConfigurationError,
    DatabaseInterface,
    Lifecycle,
    LoggingInterface,
    MissingSecretError,
    PlatformContext,
    PlatformError,
    Run,
    SecretsInterface,
)

_TYPES = {each.kind: each.type for each in INTERFACES}
_FIELDS = {each.kind: each.field for each in INTERFACES}
_ALWAYS_BUILT = ("logging", "secrets")
# Every call of an adapter begins in it: an error whose last line is here is the adapter's, not the logger's.
_OWN_PACKAGE = __name__.partition(".")[0]


class Container:
    """Builds and opens the adapters that the settings name.

    Args:
        settings: those of the run.
        log_fields: what each line of the log has.

    Attributes:
        lifecycle: closes what is opened after the database, and what a module opens, in reverse order.
        database_lifecycle: closes the database and the secret store, when the run is in the history.
        log_lifecycle: closes the logger, to be shut down after the last line.
        secrets: the store that everything else is constructed from.
        log: the logger of the run, whether or not the module declares one.
        owners: whose code each package is, for errors.
        locations: where the run works, by the names that the log has for it.

    Raises:
        ConfigurationError: when the store or the logger cannot be built.
    """

    def __init__(self, settings: Settings, log_fields: Mapping[str, str] = MappingProxyType({})) -> None:
        self.settings = settings
        self.lifecycle = Lifecycle()
        self.database_lifecycle = Lifecycle()
        self.log_lifecycle = Lifecycle()
        self.owners: dict[str, Owner] = {}
        self.locations: Mapping[str, str] = {}
        self._asked, self._opened = set[str](), set[str]()
        self._is_announced = False
        self._built: dict[str, Any] = {}
        self.secrets: SecretsInterface = settings.values  # what a secret store reads its own settings from
        if settings.implementations["secrets"].value != "env":
            self.secrets = self._build("secrets")
        secrets = AdapterSecrets(self.secrets, given=settings.given)
        self._logger: LoggingInterface = self._build("logging", secrets)
        self._log_fields = log_fields
        self.log = self._logger.bind(**log_fields)

    async def open_database(
        self, defaults: Mapping[str, str] = MappingProxyType({}), *, is_announced: bool = True
    ) -> DatabaseInterface:
        """Return the database, connected until ``database_lifecycle`` shuts down; see ``open_context``."""
        return (await self.open_context(["database"], {}, defaults, is_announced=is_announced)).db

    async def open_context(
        self,
        interfaces: Iterable[str],
        config: Mapping[str, Any],
        defaults: Mapping[str, str] = MappingProxyType({}),
        run: Run | None = None,
        *,
        is_announced: bool = True,
    ) -> PlatformContext:
        """Return what a module is run with: the declared interfaces, and nothing else.

        Logger and secret store are opened first and closed last. Before the others are opened, it logs where
        the run works, if ``is_announced``; ``defaults`` are for settings that are not set.

        Raises:
            ConfigurationError: when an adapter cannot be built; names all problems.
            PlatformError: when an adapter cannot be opened; the lifecycles close those before it.
        """
        declared = set(interfaces)
        await self._open({"logging": self._logger, "secrets": self.secrets})
        # Once more: a copy that was bound before may lack what the logger has opened.
        self.log = self._logger.bind(**self._log_fields)
        always = {"logging": self.log, "secrets": self.secrets}
        try:
            built = self._build_declared(declared, defaults)
        except ConfigurationError:  # what is missing may be set under a mistyped name
            self._warn_of_unknown(is_complete="secrets" not in declared)
            raise
        if is_announced:
            self.locations = log_locations(self.log, self.settings, built, run)
            self.log_settings()
        try:
            await self._open(built)
        finally:
            self._warn_of_unknown(is_complete="secrets" not in declared)
        adapters = {_FIELDS[kind]: each for kind, each in (always | built).items() if kind in declared}
        return PlatformContext(**adapters, config=config, lifecycle=self.lifecycle, run=run)

    @property
    def has_lasting_database(self) -> bool:
        """Return whether what is written to the database may be there when the process has ended."""
        return self._name("database") not in registry.FORGETFUL_DATABASES

    async def open_existing_database(self) -> DatabaseInterface:
        """Return the database, connected until ``database_lifecycle`` shuts down; nothing is made or logged.

        Raises:
            DatabaseMissingError: when there is none yet.
            PlatformError: when it cannot be built or opened.
        """
        built = self._build_declared({"database"}, registry.MAKES_NOTHING)
        await self._open(built)
        database: DatabaseInterface = built["database"]
        return database

    def log_settings(self) -> None:
        """Log where the settings come from and what to mend in them, once."""
        if self._is_announced:
            return
        self._is_announced = True
        log_settings(self.log, self.settings)

    async def _open(self, adapters: Mapping[str, AsyncResource]) -> None:
        for kind, adapter in adapters.items():
            if kind not in self._opened:
                with self._naming(kind):
                    await adapter.connect()
                self._opened.add(kind)
                self._lifecycle_of(kind).on_shutdown(partial(self._close, kind, adapter))

    def _lifecycle_of(self, kind: str) -> Lifecycle:
        if kind in ("database", "secrets"):
            return self.database_lifecycle
        return self.log_lifecycle if kind == "logging" else self.lifecycle

    async def _close(self, kind: str, adapter: AsyncResource) -> None:
        self._opened.discard(kind)
        with self._naming(kind):
            await adapter.disconnect()

    @contextmanager
    def _naming(self, kind: str) -> Iterator[None]:
        """Name the adapter in an error of a call of it that does not show whose it is."""
        try:
            yield
        except Exception as error:
            if attribute(error, self.owners) is not error or isinstance(error, PlatformError):
                raise  # its owner is in it, or will be
            name = self._name(kind)
            label = _label(kind, name, registry.reference(kind, name))
            raise AdapterFailedError(f"{label} failed: {describe(error)}") from error

    def _warn_of_unknown(self, *, is_complete: bool) -> None:
        chosen = self.settings.implementations.items()
        are_shipped = all(each.value and registry.is_shipped(kind, each.value) for kind, each in chosen)
        unknown = find_unknown(
            self.settings.values.layers, self._asked, is_complete=is_complete and are_shipped
        )
        if unknown:
            self.log.warn("Settings that nothing reads", names=", ".join(map(str, unknown)))

    def _build_declared(self, declared: set[str], defaults: Mapping[str, str]) -> dict[str, Any]:
        deployed_env = self.settings.env.value if self.settings.is_deployed else ""
        secrets = AdapterSecrets(self.secrets, defaults, deployed_env)
        secrets.asked = self._asked
        built: dict[str, Any] = {}
        problems: list[ConfigurationError] = []
        for kind in (each.kind for each in INTERFACES if each.kind not in _ALWAYS_BUILT):
            if kind in declared:
                try:
                    self._built[kind] = built[kind] = self._built.get(kind) or self._build(kind, secrets)
                except ConfigurationError as error:
                    problems.append(error)
        if len(problems) > 1:
            raise ConfigurationError("\n".join(map(str, problems)))
        for problem in problems:
            raise problem
        return built

    def _name(self, kind: str) -> str:
        return self.settings.implementations[kind].value

    def _build(self, kind: str, secrets: SecretsInterface | None = None) -> Any:
        chosen = self.settings.implementations[kind]
        if not chosen.value:
            raise MissingSecretError(self._explain_unchosen(kind))
        try:
            adapter = self._construct(kind, chosen.value, secrets or self.secrets)
        except ConfigurationError as error:
            if chosen.origin == "default":  # it was not chosen, and naming it would not help
                raise
            raise ConfigurationError(f"{error} (chosen by {chosen.origin})") from error
        if not isinstance(adapter, _TYPES[kind]):
            target = registry.reference(kind, chosen.value)
            raise ConfigurationError(
                f"{target!r} does not make a {_TYPES[kind].__name__}, which {kind} {chosen.value!r} must be"
            )
        return adapter

    def _construct(self, kind: str, name: str, secrets: SecretsInterface) -> Any:
        target = registry.reference(kind, name)
        label = _label(kind, name, target)
        package = target.partition(":")[0].partition(".")[0]
        others = dict(self.owners)
        # A package may have several adapters; which of them a line belongs to is not known.
        known = self.owners.get(package)
        if package != _OWN_PACKAGE:
            self.owners[package] = Owner(f"{known.label} or {label}" if known else label)
        make = registry.load(kind, name)
        try:
            return make(secrets)
        except PlatformError:
            raise
        except (Exception, SystemExit) as error:
            failure = attribute(error, {**others, package: Owner(label)})
            message = f"{label} failed: {describe(error)}" if failure is error else str(failure)
            raise ConfigurationError(message) from error

    def _explain_unchosen(self, kind: str) -> str:
        flag, env = ADAPTER_FLAGS[kind], self.settings.env.value
        return (
            f"{self.settings.values.explain_missing(flag.variable)}; env {env!r} has no default "
            f"{registry.LABELS[kind]}: set {flag.variable}, or give --{flag.name}; "
            f"installed are {', '.join(registry.names(kind))}"
        )


def _label(kind: str, name: str, target: str) -> str:
    return f"{registry.LABELS[kind]} {name!r} ({target})"
