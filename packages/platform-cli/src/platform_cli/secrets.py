"""Settings and secrets out of the environment and the env files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from platform_interfaces import SecretsInterface


@dataclass(frozen=True)
class Layer:
    """Values that come from one place; ``name`` is that place, for messages."""

    name: str
    values: Mapping[str, str] = field(repr=False)


class EnvSecrets(SecretsInterface):
    """The first layer that has a key gives its value; the environment is read at the time of the call."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers

    def get(self, key: str) -> str | None:
        """See ``SecretsInterface``."""
        layer = self.layer_of(key)
        return None if layer is None else layer.values.get(key)

    def layer_of(self, key: str) -> Layer | None:
        """The layer that gives the value of ``key``, or None where it is set nowhere."""
        return next((layer for layer in self._layers if key in layer.values), None)

    @property
    def sources(self) -> str:
        """The layers in their order."""
        return ", then ".join(layer.name for layer in self._layers)


class SecretsWithDefaults(SecretsInterface):
    """The values of ``secrets``; where it has none, those of ``defaults``."""

    def __init__(self, secrets: SecretsInterface, defaults: Mapping[str, str]) -> None:
        self._secrets = secrets
        self._defaults = defaults

    def get(self, key: str) -> str | None:
        """See ``SecretsInterface``."""
        value = self._secrets.get(key)
        return self._defaults.get(key) if value is None else value

    @property
    def sources(self) -> str:
        """Those of ``secrets``: what has a default is never missing."""
        return self._secrets.sources
