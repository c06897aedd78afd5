"""``SecretsInterface`` on values given in code."""

from collections.abc import Mapping

from platform_interfaces import SecretsInterface


class MemorySecrets(SecretsInterface):
    """The values it was made with; what happens to the mapping later does not matter."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def get(self, key: str) -> str | None:
        return self._values.get(key)

    @property
    def sources(self) -> str:
        return "the values given to MemorySecrets"
