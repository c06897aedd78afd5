"""Where settings and secrets come from."""

from abc import ABC, abstractmethod

from platform_interfaces.errors import MissingSecretError


class SecretsInterface(ABC):
    """Named values an implementation is configured from, read at the time of the call."""

    @abstractmethod
    def get(self, key: str) -> str | None:
        """The value as it was set, or None where it is set nowhere; an empty value is a value."""

    @property
    @abstractmethod
    def sources(self) -> str:
        """Where ``get`` looks, in words, for the message of ``require``."""

    def get_or_default(self, key: str, default: str) -> str:
        """The value, or ``default`` where it is set nowhere."""
        value = self.get(key)
        return default if value is None else value

    def get_location(self, key: str, default: str) -> str:
        """Return where data are: the value, or ``default``, which is for development and tests only.

        Adapters use it for what decides which data a run reads or writes, such as the root of the files.

        Raises:
            MissingSecretError: when it is set nowhere in a deployed environment, which has no such default.
        """
        return self.get_or_default(key, default)

    def require(self, key: str) -> str:
        """The value.

        Raises:
            MissingSecretError: when it is set nowhere or is empty; names the key and the places looked at.
        """
        value = self.get(key)
        if not value:
            raise MissingSecretError(f"{key!r} is not set: looked in {self.sources}")
        return value
