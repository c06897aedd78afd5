"""``LoggingInterface`` on new_adapter."""

from typing import Any, Self

from platform_interfaces import LoggingInterface, SecretsInterface


class NewAdapterLogger(LoggingInterface):
    """A log in new_adapter."""

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the settings; ``connect``, if there is anything to open, opens."""
        self._level = secrets.get_or_default("LOG_LEVEL", "INFO")

    def debug(self, message: str, **fields: Any) -> None:
        raise NotImplementedError("debug is not written yet")

    def info(self, message: str, **fields: Any) -> None:
        raise NotImplementedError("info is not written yet")

    def warn(self, message: str, **fields: Any) -> None:
        raise NotImplementedError("warn is not written yet")

    def error(self, message: str, **fields: Any) -> None:
        raise NotImplementedError("error is not written yet")

    def bind(self, **fields: Any) -> Self:
        raise NotImplementedError("bind is not written yet")
