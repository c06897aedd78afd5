"""The source of settings and secrets."""

from abc import ABC, abstractmethod

from platform_interfaces.errors import MissingSecretError
from platform_interfaces.lifecycle import AsyncResource


class SecretsInterface(AsyncResource, ABC):
    """Named values that adapters are constructed from, read at the time of the call.

    An empty value counts as not set, for every key: it is what ``export NAME=`` leaves behind. Keys that
    differ in case are different keys. No value is in a message, in ``sources`` or in the ``repr``.

    A store is connected before the adapters of databases and file systems are constructed from it; the logger
    reads its level before.
    """

    @abstractmethod
    def get(self, key: str) -> str | None:
        """Return the value as it was set, or None (or an empty text) where it is not set."""

    @property
    @abstractmethod
    def sources(self) -> str:
        """Return where ``get`` looks, in words, for the message of ``require``."""

    def get_or_default(self, key: str, default: str) -> str:
        """Return the value, or ``default`` where it is not set."""
        return self.get(key) or default

    def get_location(self, key: str, default: str) -> str:
        """Return where data are: the value, or ``default``, which is for development and tests only.

        Adapters use it for what decides which data a run reads or writes, such as the root of the files.

        Raises:
            MissingSecretError: when it is set nowhere in a deployed environment, which has no such default.
        """
        return self.get_or_default(key, default)

    def require(self, key: str) -> str:
        """Return the value.

        Raises:
            MissingSecretError: when it is not set or is empty; names the key and ``sources``.
        """
        value = self.get(key)
        if not value:
            raise MissingSecretError(self.explain_missing(key))
        return value

    def explain_missing(self, key: str) -> str:
        """Return why ``get`` finds no value, for messages: names the key and ``sources``."""
        return f"{key!r} is not set: looked in {self.sources}"
