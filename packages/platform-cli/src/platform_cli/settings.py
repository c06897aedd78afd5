"""The settings of a run, and the origin of each.

    flag  >  environment  >  .env/<env>.env  >  .env/local.env  >  default

``local.env`` is not a layer of staging and production: what is missing there must not be filled in silently
from a developer's machine.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platform_cli import registry
from platform_cli._masking import remember_settings
from platform_cli._text import did_you_mean
from platform_cli.env_files import (
    env_file,
    env_names,
    exposure,
    find_project,
    find_stray_file,
    how_to_move,
    read_env_file,
)
from platform_cli.flags import ADAPTER_FLAGS, AUTO_MIGRATE, DEBUG, DETAILED_EXIT_CODES, ENV, WORKERS
from platform_cli.interfaces import INTERFACES, Interface
from platform_cli.secrets import EnvSecrets, Layer, find_unclean
from platform_cli.setting import AUTO, YES, Setting, choose, choose_switch, choose_workers
from platform_interfaces import ConfigurationError

FILELESS = ("local", "production", "staging", "test")
"""The environments that need no file."""

_DEPLOYED_WORDS = {"live", "preprod", "prd", "prod", "production", "stage", "staging", "stg"}


@dataclass(frozen=True)
class Settings:
    """The settings of one run.

    ``implementations`` has the name of the adapter chosen for each interface, by its kind; the name is empty
    where none is chosen and the environment has no default.
    Relative directories in ``values`` start from ``project``. ``warnings`` are what the user should
    mend: event and reason of each. ``given`` are settings that options of the command give; they win over
    every store.
    """

    project: Path
    env: Setting
    auto_migrate: Setting
    workers: Setting
    debug: Setting
    detailed_exit_codes: Setting
    implementations: Mapping[str, Setting]
    values: EnvSecrets
    warnings: tuple[tuple[str, str], ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_auto_migrate(self) -> bool:
        """Return whether pending migrations are applied before a module runs."""
        return self.auto_migrate.value.lower() in YES

    @property
    def worker_count(self) -> int | None:
        """Return how many workers a run may have; None where its module decides."""
        return None if self.workers.value == AUTO else int(self.workers.value)

    @property
    def is_debug(self) -> bool:
        """Return whether a failure is shown with its trace."""
        return self.debug.value.lower() in YES

    @property
    def has_detailed_exit_codes(self) -> bool:
        """Return whether each kind of failure has an exit code of its own."""
        return self.detailed_exit_codes.value.lower() in YES

    @property
    def is_deployed(self) -> bool:
        """Return whether the environment has no default databases and locations of data."""
        return is_deployed(self.env.value)

    @property
    def has_lasting_database(self) -> bool:
        """Return whether what is written to the database may be there when the process has ended."""
        return self.implementations["database"].value not in registry.FORGETFUL_DATABASES

    @property
    def knows_all_names(self) -> bool:
        """Return whether all chosen adapters are the platform's own, the settings of which are known."""
        chosen = self.implementations.items()
        return all(each.value and registry.is_shipped(kind, each.value) for kind, each in chosen)

    def as_flags(self, *kinds: str) -> str:
        """Return those of the flags given that choose environment and ``kinds``, for a command to advise.

        Without them it would work elsewhere. A variable counts for the next command, too.
        """
        given = (self.env, *(self.implementations[kind] for kind in kinds))
        return "".join(f" {each.origin} {each.value}" for each in given if each.origin.startswith("--"))

    def explain_unchosen(self, kind: str) -> str:
        """Return that no adapter of ``kind`` is chosen, and how to choose one."""
        flag = ADAPTER_FLAGS[kind]
        return (
            f"{self.values.explain_missing(flag.variable)}; env {self.env.value!r} has no default "
            f"{registry.LABELS[kind]}: set {flag.variable}, or give --{flag.name}; "
            f"installed are {', '.join(registry.names(kind))}"
        )


def is_deployed(env: str) -> bool:
    """Return whether ``env`` is staging or production, also by another name: ``prod``, ``production-eu``.

    What is not set there must not be filled in from defaults or from a developer's ``local.env``.
    """
    return any(word.rstrip("0123456789") in _DEPLOYED_WORDS for word in re.split("[-_]", env.lower()))


def resolve(
    flags: Mapping[str, str], *, environment: Mapping[str, str] = os.environ, start: Path | None = None
) -> Settings:
    """Return the settings of a run.

    Args:
        flags: what the command line says, by ``Flag.key``.
        environment: the environment variables.
        start: where to look for ``.env/`` from, upwards; the working directory unless given.

    Raises:
        ConfigurationError: when the environment needs a file and has none, or a file or a value is malformed.
    """
    start = start or _working_directory()
    project, stray = find_project(start), find_stray_file(start)
    process = Layer("the environment", environment)
    remember_settings(environment)
    env = choose(ENV, ENV.default, flags, EnvSecrets([process]))
    files = {file: read_env_file(file) for file in _files(project, env)}
    layers = [process, *(Layer(repr(str(file)), found) for file, found in files.items())]
    for layer in layers:
        remember_settings(layer.values)
    _check_env_is_chosen(env, layers[1:])
    values = EnvSecrets(layers, how_to_move(stray) if stray else "")
    workers = choose_workers(flags, values)
    return Settings(
        project=project or start,
        env=env,
        auto_migrate=choose_switch(
            AUTO_MIGRATE, "true" if env.value in ("local", "test") else "false", flags, values
        ),
        workers=workers,
        debug=choose_switch(DEBUG, "false", flags, values),
        detailed_exit_codes=choose_switch(DETAILED_EXIT_CODES, "false", flags, values),
        implementations={
            each.kind: choose(
                ADAPTER_FLAGS[each.kind], _default(each, env.value, workers.value), flags, values
            )
            for each in INTERFACES
        },
        values=values,
        warnings=(
            *_warnings("Secrets are exposed", (exposure(file, found) for file, found in files.items())),
            *_warnings("Settings were cleaned", map(_cleaned, layers)),
            *_warnings("Settings are not read", [how_to_move(stray) if stray else None]),
        ),
    )


def _warnings(event: str, reasons: Iterable[str | None]) -> list[tuple[str, str]]:
    return [(event, reason) for reason in reasons if reason]


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise ConfigurationError(
            f"the working directory cannot be used: {error.strerror}; cd to one that exists"
        ) from error


def _cleaned(layer: Layer) -> str | None:
    names = find_unclean(layer)
    if not names:
        return None
    return (
        f"{', '.join(names)} in {layer.name}: there were quotes, blanks or invisible characters "
        "around the value; the run goes on without them"
    )


def _default(interface: Interface, env: str, workers: str) -> str:
    if interface.kind == "executor" and workers != WORKERS.default:
        return "processes"
    return interface.default if interface.has_deployed_default or not is_deployed(env) else ""


def _files(project: Path | None, env: Setting) -> list[Path]:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", env.value):
        raise ConfigurationError(
            f"env {env.value!r} is refused: it may have letters, digits, '_' and '-' only"
        )
    known = env_names(project) if project else []
    if env.value not in (*known, *FILELESS):
        raise ConfigurationError(_unknown_env(project, env.value, known))
    names = [env.value] if is_deployed(env.value) else list(dict.fromkeys([env.value, "local"]))
    return [env_file(project, name) for name in names if project and name in known]


def _check_env_is_chosen(env: Setting, layers: Iterable[Layer]) -> None:
    """Refuse a ``PLATFORM_ENV`` that comes too late: it would name the file that it stands in.

    Raises:
        ConfigurationError: when no environment was chosen, and a file names another than the default.
    """
    for layer in layers if env.origin == "default" else ():
        named = layer.get("PLATFORM_ENV")
        if named and named != env.value:
            raise ConfigurationError(
                f"PLATFORM_ENV is {named!r} in {layer.name}, but this file is read only after the "
                f"environment was chosen, and that is {env.value!r} by default: give --env {named}, or set "
                "PLATFORM_ENV in the environment, and remove it from the file"
            )


def _unknown_env(project: Path | None, env: str, known: list[str]) -> str:
    missing = f"there is no {str(env_file(project, env))!r}" if project else "no folder '.env' was found"
    names = sorted({*known, *FILELESS})
    return f"unknown env {env!r}: {missing}; known are {', '.join(names)}{did_you_mean(env, names)}"
