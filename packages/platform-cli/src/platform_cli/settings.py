"""What a run is set to, and where each setting comes from.

    flag  >  environment  >  .env/<env>.env  >  .env/local.env  >  default

``local.env`` is no layer of staging and production: what is missing there must not be filled in silently
from a developer's machine.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platform_cli._text import did_you_mean
from platform_cli.env_files import env_file, env_names, exposure, find_project, read_env_file
from platform_cli.flags import FLAGS
from platform_cli.secrets import EnvSecrets, Layer
from platform_interfaces import ConfigurationError

FILELESS = ("local", "production", "staging", "test")
"""The environments that need no file."""

_DEPLOYED = ("production", "staging")
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Setting:
    """A value and where it was set, in words."""

    value: str
    origin: str


@dataclass(frozen=True)
class Settings:
    """The settings of one run.

    ``implementations`` has the name chosen for each interface: database, filesystem, logging, secrets.
    Relative directories in ``values`` start from ``project``. ``warnings`` say what the user should mend.
    """

    project: Path
    env: Setting
    auto_migrate: Setting
    implementations: Mapping[str, Setting]
    values: EnvSecrets
    warnings: tuple[str, ...] = ()

    @property
    def is_auto_migrate(self) -> bool:
        """Whether pending migrations are applied before a module runs."""
        return self.auto_migrate.value.lower() in _YES


def resolve(
    flags: Mapping[str, str], *, environment: Mapping[str, str] = os.environ, start: Path | None = None
) -> Settings:
    """The settings of a run.

    Args:
        flags: what the command line says, by ``Flag.key``.
        environment: the environment variables.
        start: where to look for ``.env/`` from, upwards; the working directory unless given.

    Raises:
        ConfigurationError: when the environment needs a file and has none, or a file or a value is malformed.
    """
    start = start or Path.cwd()
    project = find_project(start)
    process = Layer("the environment", environment)
    env = _choose("env", "local", flags, EnvSecrets([process]))
    files = {file: read_env_file(file) for file in _files(project, env)}
    values = EnvSecrets([process, *(Layer(repr(str(file)), found) for file, found in files.items())])
    return Settings(
        project=project or start,
        env=env,
        auto_migrate=_auto_migrate(flags, values, env.value),
        implementations={f.kind: _choose(f.key, f.default, flags, values) for f in FLAGS if f.kind},
        values=values,
        warnings=tuple(filter(None, (exposure(file, found) for file, found in files.items()))),
    )


def _choose(key: str, default: str, flags: Mapping[str, str], values: EnvSecrets) -> Setting:
    if key in flags:
        return Setting(flags[key], f"--{key.replace('_', '-')}")
    variable = f"PLATFORM_{key.upper()}"
    layer = values.layer_of(variable)
    # An empty name can mean nothing: it is what `export PLATFORM_DB=` and empty make variables leave behind.
    if layer and layer.values[variable]:
        return Setting(layer.values[variable], f"{variable} in {layer.name}")
    return Setting(default, "default")


def _files(project: Path | None, env: Setting) -> list[Path]:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", env.value):
        raise ConfigurationError(
            f"env {env.value!r} is refused: it may have letters, digits, '_' and '-' only"
        )
    known = env_names(project) if project else []
    if env.value not in (*known, *FILELESS):
        raise ConfigurationError(_unknown_env(project, env.value, known))
    names = [env.value] if env.value in _DEPLOYED else list(dict.fromkeys([env.value, "local"]))
    return [env_file(project, name) for name in names if project and name in known]


def _unknown_env(project: Path | None, env: str, known: list[str]) -> str:
    missing = f"there is no {str(env_file(project, env))!r}" if project else "no folder '.env' was found"
    names = sorted({*known, *FILELESS})
    return f"unknown env {env!r}: {missing}; known are {', '.join(names)}{did_you_mean(env, names)}"


def _auto_migrate(flags: Mapping[str, str], values: EnvSecrets, env: str) -> Setting:
    default = "true" if env in ("local", "test") else "false"
    setting = _choose("auto_migrate", default, flags, values)
    if setting.value.lower() not in (*_YES, *_NO):
        raise ConfigurationError(f"{setting.origin} is {setting.value!r}: use true or false")
    return setting
