"""The implementations of one run: built from secrets, opened in order, undone in reverse."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from platform_cli import registry
from platform_cli._blame import Owner, attribute
from platform_cli._masking import hide_secrets
from platform_cli._unknown_settings import find_unknown
from platform_cli.failures import describe
from platform_cli.secrets import AdapterSecrets
from platform_cli.settings import Settings
from platform_interfaces import (
    ConfigurationError,
    DatabaseInterface,
    FileSystemInterface,
    Lifecycle,
    LoggingInterface,
    MissingSecretError,
    PlatformContext,
    PlatformError,
    Run,
    SecretsInterface,
)

_INTERFACES: Mapping[str, type] = {
    "database": DatabaseInterface,
    "filesystem": FileSystemInterface,
    "logging": LoggingInterface,
    "secrets": SecretsInterface,
}


# Every call of an adapter begins in it: an error whose last line is here is the adapter's, not the logger's.
_OWN_PACKAGE = __name__.partition(".")[0]


class Container:
    """Builds what the settings name; ``lifecycle`` undoes what was opened.

    Attributes:
        secrets: the store that everything else is constructed from.
        log: the logger of the run, whether or not the module declares one.
        owners: whose code each package is, for errors.

    Raises:
        ConfigurationError: when either of them cannot be built.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lifecycle = Lifecycle()
        self.owners: dict[str, Owner] = {}
        self._asked: set[str] = set()
        self._is_announced = False
        self.secrets: SecretsInterface = settings.values  # what a secret store reads its own settings from
        if settings.implementations["secrets"].value != "env":
            self.secrets = self._build("secrets")
        self.log: LoggingInterface = self._build("logging")

    async def open_database(self, defaults: Mapping[str, str] = MappingProxyType({})) -> DatabaseInterface:
        """The database, connected until ``lifecycle`` shuts down; ``defaults`` are for what is not set."""
        return (await self.open_context(["database"], {}, defaults)).db

    async def open_context(
        self,
        interfaces: Iterable[str],
        config: Mapping[str, Any],
        defaults: Mapping[str, str] = MappingProxyType({}),
        run: Run | None = None,
    ) -> PlatformContext:
        """Return what a module is run with: the declared interfaces, and nothing else.

        Before it connects, it logs where the run works.

        Raises:
            ConfigurationError: when an adapter cannot be built; names all problems.
        """
        declared = set(interfaces)
        try:
            built = self._build_declared(declared, defaults)
        except ConfigurationError:  # what is missing may be set under a mistyped name
            self._warn_of_unknown(is_complete="secrets" not in declared)
            raise
        fs, database = built.get("filesystem"), built.get("database")
        self._announce(fs, database, run)
        try:
            if database:
                await self._connect(database)
                self.lifecycle.on_shutdown(database.disconnect)
        finally:
            self._warn_of_unknown(is_complete="secrets" not in declared)
        return PlatformContext(
            log=self.log if "logging" in declared else None,
            fs=fs,
            db=database,
            secrets=self.secrets if "secrets" in declared else None,
            config=config,
            lifecycle=self.lifecycle,
            run=run,
        )

    def log_settings(self) -> None:
        """Log where the settings come from and what to mend in them, once."""
        if self._is_announced:
            return
        self._is_announced = True
        settings = self.settings
        chosen = {"env": settings.env, "auto_migrate": settings.auto_migrate, **settings.implementations}
        origins = {name: f"{hide_secrets(each.value)} ({each.origin})" for name, each in chosen.items()}
        self.log.debug("Settings", **origins)
        for subject, reason in settings.warnings:
            self.log.warn(subject, reason=reason)

    def _announce(
        self, fs: FileSystemInterface | None, database: DatabaseInterface | None, run: Run | None
    ) -> None:
        told = {"module": run.module} if run else {}
        told["env"] = self.settings.env.value
        if database:
            told |= {"db": self._name("database"), "database": _say_place(lambda: database.location)}
        if fs:
            told |= {"fs": self._name("filesystem"), "root": _say_place(fs.locate)}
        self.log.info("Run", **told)
        self.log_settings()

    async def _connect(self, database: DatabaseInterface) -> None:
        try:
            await database.connect()
        except Exception as error:
            if attribute(error, self.owners) is not error or isinstance(error, PlatformError):
                raise  # it says itself whose it is, or will
            name = self._name("database")
            label = _label("database", name, registry.reference("database", name))
            raise PlatformError(f"{label} failed: {describe(error)}") from error

    def _warn_of_unknown(self, *, is_complete: bool) -> None:
        chosen = self.settings.implementations.items()
        are_shipped = all(each.value and registry.is_shipped(kind, each.value) for kind, each in chosen)
        unknown = find_unknown(
            self.settings.values.layers, self._asked, is_complete=is_complete and are_shipped
        )
        if unknown:
            self.log.warn("Settings that nothing reads", names=", ".join(unknown))

    def _build_declared(self, declared: set[str], defaults: Mapping[str, str]) -> dict[str, Any]:
        deployed_env = self.settings.env.value if self.settings.is_deployed else ""
        secrets = AdapterSecrets(self.secrets, defaults, deployed_env)
        secrets.asked = self._asked
        built: dict[str, Any] = {}
        problems: list[ConfigurationError] = []
        for kind in ("database", "filesystem"):
            if kind in declared:
                try:
                    built[kind] = self._build(kind, secrets)
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
            raise MissingSecretError(self._explain_unchosen())
        try:
            implementation = self._construct(kind, chosen.value, secrets or self.secrets)
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
            told = f"{label} failed: {describe(error)}" if failure is error else str(failure)
            raise ConfigurationError(told) from error

    def _explain_unchosen(self) -> str:
        missing = self.settings.values.explain_missing("PLATFORM_DB")
        return (
            f"{missing}; env {self.settings.env.value!r} has no default database: set PLATFORM_DB, or give "
            f"--db; installed are {', '.join(registry.names('database'))}"
        )


def _label(kind: str, name: str, target: str) -> str:
    return f"{registry.WORDS[kind]} {name!r} ({target})"


def _say_place(find: Callable[[], object]) -> str:
    """Return where an adapter works, without secrets; one that cannot say it does not stop the run."""
    try:
        place = find()
    except Exception as error:  # noqa: BLE001 - whatever a property of somebody else's raises
        return f"unknown ({type(error).__name__})"
    return hide_secrets(place) if isinstance(place, str) else "unknown"
