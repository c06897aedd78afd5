"""``LoggingInterface`` in memory, for assertions."""

import copy
from typing import Any, Self

from platform_interfaces import LogEvent, LoggingInterface, SecretsInterface


class MemoryLogger(LoggingInterface):
    """A logger that stores all events in ``events``, in order; loggers bound from it add to the same list."""

    def __init__(self, secrets: SecretsInterface | None = None) -> None:
        """Take ``secrets`` as every adapter does, and read nothing from it."""
        self.events: list[LogEvent] = []
        self._bound: dict[str, Any] = {}

    def messages(self, level: str | None = None) -> list[str]:
        """Return the messages of one level, or of all."""
        return [event.message for event in self.events if level in (None, event.level)]

    def debug(self, message: str, **fields: Any) -> None:
        self._record("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._record("info", message, fields)

    def warn(self, message: str, **fields: Any) -> None:
        self._record("warn", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._record("error", message, fields)

    def bind(self, **fields: Any) -> Self:
        bound = copy.copy(self)
        bound._bound = self._bound | fields
        return bound

    def _record(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self.events.append(LogEvent(level, message, self._bound | fields))
