"""``SecretsInterface`` on values given in code."""

from collections.abc import Mapping

from platform_interfaces import SecretsInterface


class MemorySecrets(SecretsInterface):
    """A store of the values it was made with; later changes of the mapping have no effect."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def get(self, key: str) -> str | None:
        return self._values.get(key)

    @property
    def sources(self) -> str:
        return "the values given to MemorySecrets"
