"""One setting: its value, and where that was set."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from platform_cli.flags import ADAPTER_FLAGS, WORKERS, Flag
from platform_cli.secrets import EnvSecrets
from platform_interfaces import ConfigurationError

AUTO = "auto"
"""As the number of workers: the module decides, by the size of its input and the machine."""

YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Setting:
    """A value and its origin, in words."""

    value: str
    origin: str


def choose(flag: Flag, default: str, flags: Mapping[str, str], values: EnvSecrets) -> Setting:
    """Return what a flag, else its variable, else ``default`` says."""
    if flag.key in flags:
        return Setting(flags[flag.key], f"--{flag.name}")
    layer = values.layer_of(flag.variable)
    if layer:
        return Setting(layer.get(flag.variable), f"{flag.variable} in {layer.name}")
    return Setting(default, "default")


def choose_workers(flags: Mapping[str, str], values: EnvSecrets) -> Setting:
    """Return how many workers a run may have: a number, or ``AUTO``, as where only an executor is chosen.

    Raises:
        ConfigurationError: when it is neither.
    """
    executor = ADAPTER_FLAGS["executor"]
    is_chosen = choose(executor, executor.default, flags, values).value != executor.default
    setting = choose(WORKERS, AUTO if is_chosen else WORKERS.default, flags, values)
    text = setting.value.strip().lower()
    if text != AUTO and not re.fullmatch(r"[1-9][0-9]{0,3}", text):
        raise ConfigurationError(
            f"{setting.origin} is {setting.value!r}: give a number of workers from 1 to 9999, or {AUTO}"
        )
    return Setting(text, setting.origin)


def choose_switch(flag: Flag, default: str, flags: Mapping[str, str], values: EnvSecrets) -> Setting:
    """Return what ``choose`` does, checked to be one of ``YES`` and ``NO``, in any case.

    Raises:
        ConfigurationError: when it is neither.
    """
    setting = choose(flag, default, flags, values)
    if setting.value.lower() not in (*YES, *NO):
        raise ConfigurationError(f"{setting.origin} is {setting.value!r}: use true or false")
    return setting
