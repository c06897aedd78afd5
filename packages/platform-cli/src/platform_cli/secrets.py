"""Settings and secrets from the environment and the env files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from platform_cli._secret_forms import is_secret_name
from platform_interfaces import ConfigurationError, MissingSecretError, SecretsInterface

OWN_PREFIXES = ("PLATFORM_", "DB_", "FS_")
"""Prefixes of the settings of the platform and its adapters."""

_OWN_NAMES = {"LOG_LEVEL", "MIGRATIONS_DIR"}
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019"}
_DIRECTORIES = {"DB_EMBEDDED_DIR", "FS_LOCAL_ROOT", "FS_LOCAL_REJECTS_ROOT"}


@dataclass(frozen=True)
class Layer:
    """Values from one source; ``name`` is that source, for messages."""

    name: str
    values: Mapping[str, str] = field(repr=False)

    def get(self, key: str) -> str:
        """Return the value of ``key``, cleaned where it is a setting of ours; empty where it is not set."""
        value = self.values.get(key, "")
        return clean(value) if value and _is_own(key) else value


class EnvSecrets(SecretsInterface):
    """A store on layers: the first in which a key is not empty gives its value; read at each call.

    Args:
        layers: where values come from.
        hint: a further sentence for messages about missing values.
    """

    def __init__(self, layers: Sequence[Layer], hint: str = "") -> None:
        self.layers = layers
        self._hint = hint

    def get(self, key: str) -> str | None:
        """See ``SecretsInterface``."""
        layer = self.layer_of(key)
        return None if layer is None else layer.get(key)

    def layer_of(self, key: str) -> Layer | None:
        """Return the layer that gives the value of ``key``, or None where it is not set."""
        return next((layer for layer in self.layers if layer.get(key)), None)

    @property
    def sources(self) -> str:
        """Return the layers in their order."""
        return ", then ".join(layer.name for layer in self.layers)

    def explain_missing(self, key: str) -> str:
        """See ``SecretsInterface``; names the layers where the value is empty, too."""
        empty = [layer.name for layer in self.layers if key in layer.values]
        is_empty = f"; it is empty in {' and '.join(empty)}" if empty else ""
        return super().explain_missing(key) + is_empty + (f"; {self._hint}" if self._hint else "")


class AdapterSecrets(SecretsInterface):
    """The store that an adapter is built from: ``given``, then ``secrets``, then ``defaults``.

    Args:
        secrets: the store of the run.
        defaults: values for what is not set.
        deployed_env: the environment where it has no default locations of data, else empty.
        given: values that win over those of the store.

    Attributes:
        asked: the keys that adapters have asked for.
    """

    def __init__(
        self,
        secrets: SecretsInterface,
        defaults: Mapping[str, str] = MappingProxyType({}),
        deployed_env: str = "",
        given: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._given = given
        self._secrets, self._defaults, self._deployed_env = secrets, defaults, deployed_env
        self.asked: set[str] = set()

    def get(self, key: str) -> str | None:
        """See ``SecretsInterface``."""
        self.asked.add(key)
        return self._given.get(key) or self._secrets.get(key) or self._defaults.get(key)

    def get_location(self, key: str, default: str) -> str:
        """See ``SecretsInterface``."""
        value = self.get(key)
        if value:
            _check_location(key, value)
        elif self._deployed_env:
            raise MissingSecretError(
                f"{self.explain_missing(key)}; env {self._deployed_env!r} has no default for it: set {key}"
            )
        return value or default

    @property
    def sources(self) -> str:
        """Return those of ``secrets``: what has a default is never missing."""
        return self._secrets.sources

    def explain_missing(self, key: str) -> str:
        """See ``SecretsInterface``."""
        return self._secrets.explain_missing(key)


def clean(value: str) -> str:
    """Return ``value`` without the quotes, blanks and invisible characters around it.

    ``docker --env-file`` keeps quotes, files of Windows leave a carriage return, web pages a no-break space.
    """
    text = value.strip().strip("\ufeff\u200b").strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1]
    return text if text == value else clean(text)


def find_unclean(layer: Layer) -> list[str]:
    """Return the settings of ours in ``layer`` that have something around their value, sorted."""
    return sorted(key for key, value in layer.values.items() if _is_own(key) and clean(value) != value)


def _is_own(key: str) -> bool:
    # A password may begin or end with anything.
    return (key.startswith(OWN_PREFIXES) or key in _OWN_NAMES) and not is_secret_name(key)


def _check_location(key: str, value: str) -> None:
    if value.startswith("~") or re.search(r"^%?\$|\$[{(]|^%\w+%", value):
        raise ConfigurationError(
            f"{key} is {value!r}: '~' and variables are not replaced in settings; write the whole path"
        )
    if key in _DIRECTORIES and re.match(r"[A-Za-z][\w+.-]*://", value):
        raise ConfigurationError(f"{key} is {value!r}: it must be a directory, not a URL")
