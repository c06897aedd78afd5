"""Every setting as a run would read it: its value, where that comes from, and what it hides."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from typing import Any

from platform_cli import registry
from platform_cli._masking import hide_secrets
from platform_cli._secret_forms import HIDDEN
from platform_cli._unknown_settings import find_unknown
from platform_cli.env_files import names_secret
from platform_cli.failures import describe
from platform_cli.flags import FLAGS, Flag
from platform_cli.interfaces import INTERFACES
from platform_cli.secrets import Layer
from platform_cli.setting import Setting
from platform_cli.settings import Settings
from platform_interfaces import SecretsInterface

NOT_SET = "not set"


@dataclass(frozen=True)
class EffectiveSetting:
    """A setting as it is shown: no secret is in it.

    Attributes:
        name: the variable.
        value: empty where it is not set.
        origin: the flag, the environment, the env file, ``default`` or ``not set``.
        is_known: whether the platform or a chosen adapter reads it. The value of any other is hidden: it
            may be a secret.
        hint: the nearest known name, where it is not known and there is one.
        overridden: further values, which the first one hides, in their order.
    """

    name: str
    value: str
    origin: str
    is_known: bool = True
    hint: str = ""
    overridden: tuple[Setting, ...] = ()


@dataclass(frozen=True)
class EffectiveSettings:
    """The settings, and what is not as it is shown: pairs of an adapter and why."""

    settings: Sequence[EffectiveSetting]
    problems: Sequence[tuple[str, str]]


class _Recorder(SecretsInterface):
    """The values of a run, and what was asked for: the defaults by key, and which of them are locations."""

    def __init__(self, secrets: SecretsInterface) -> None:
        self._secrets = secrets
        self.defaults: dict[str, str] = {}
        self.locations: set[str] = set()

    def get(self, key: str) -> str | None:
        self.defaults.setdefault(key, "")
        return self._secrets.get(key)

    def get_or_default(self, key: str, default: str) -> str:
        self.defaults[key] = default
        return self._secrets.get(key) or default

    def get_location(self, key: str, default: str) -> str:
        self.locations.add(key)
        return self.get_or_default(key, default)

    @property
    def sources(self) -> str:
        return self._secrets.sources


@dataclass
class _Asked:
    """What the chosen adapters ask for: defaults, and the keys whose values are not secret by their sense."""

    defaults: dict[str, str] = field(default_factory=dict)
    showable: set[str] = field(default_factory=set)
    problems: list[tuple[str, str]] = field(default_factory=list)


def read_effective(settings: Settings) -> EffectiveSettings:
    """Return every setting: the flags, then those of adapters and env files, by name.

    The chosen adapters are constructed, and not opened, to learn what they read and its defaults.
    """
    asked = _ask_adapters(settings)
    hints = _find_hints(settings, asked)
    names = {*registry.KNOWN_SETTINGS, *hints, *asked.defaults}
    for layer in settings.values.layers[1:]:
        names |= set(layer.values)
    names -= {flag.variable for flag in FLAGS}
    others = (_describe(name, settings, asked, hints) for name in sorted(names))
    return EffectiveSettings(
        [
            *(_describe_flag(flag, settings) for flag in FLAGS),
            *(each for each in others if each.value or each.name in registry.KNOWN_SETTINGS),
        ],
        asked.problems,
    )


def _ask_adapters(settings: Settings) -> _Asked:
    asked = _Asked(showable=set(registry.KNOWN_SETTINGS))
    for interface in INTERFACES:
        kind, name = interface.kind, settings.implementations[interface.kind].value
        if not name or (kind, name) == ("secrets", "env"):
            continue
        if kind == "secrets":
            reason = "it is not asked here: what it has is used instead of the values above"
            asked.problems.append((f"{interface.label} {name!r}", reason))
        recorder = _Recorder(settings.values)
        try:
            with redirect_stdout(sys.stderr):
                _construct(kind, name, recorder)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - an adapter may raise anything
            asked.problems.append((f"{interface.label} {name!r}", describe(error)))
        asked.defaults |= recorder.defaults
        is_shipped = registry.is_shipped(kind, name)
        asked.showable |= set(recorder.defaults) if is_shipped else recorder.locations
        if settings.is_deployed:
            asked.defaults |= dict.fromkeys(recorder.locations, "")
    return asked


def _construct(kind: str, name: str, secrets: SecretsInterface) -> None:
    adapter: Any = registry.load(kind, name)(secrets)
    # Neither asks a server; what leads there is read by them.
    with suppress(Exception):
        _ = adapter.location if kind == "database" else adapter.locate() if kind == "filesystem" else None


def _find_hints(settings: Settings, asked: _Asked) -> dict[str, str]:
    found = find_unknown(settings.values.layers, asked.defaults, is_complete=settings.knows_all_names)
    return {each.name: each.nearest for each in found}


def _describe_flag(flag: Flag, settings: Settings) -> EffectiveSetting:
    setting: Setting = settings.implementations[flag.kind] if flag.kind else getattr(settings, flag.key)
    layers = _find_layers(flag.variable, settings)
    is_flag = setting.origin.startswith("--")
    return EffectiveSetting(
        flag.variable,
        hide_secrets(setting.value),
        setting.origin.removeprefix(f"{flag.variable} in "),
        overridden=tuple(
            Setting(hide_secrets(layer.get(flag.variable)), layer.name) for layer in layers[not is_flag :]
        ),
    )


def _describe(name: str, settings: Settings, asked: _Asked, hints: Mapping[str, str]) -> EffectiveSetting:
    def show(value: str) -> str:
        return hide_secrets(value) if name in asked.showable and not names_secret(name) else HIDDEN

    is_known = name in asked.showable or name in asked.defaults
    found = [Setting(show(layer.get(name)), layer.name) for layer in _find_layers(name, settings)]
    if not found:
        default = asked.defaults.get(name, "")
        return EffectiveSetting(name, default, "default" if default else NOT_SET)
    first, *others = found
    return EffectiveSetting(name, first.value, first.origin, is_known, hints.get(name, ""), tuple(others))


def _find_layers(name: str, settings: Settings) -> list[Layer]:
    return [layer for layer in settings.values.layers if layer.get(name)]
