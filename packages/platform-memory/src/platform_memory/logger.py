"""``LoggingInterface`` that remembers, for assertions."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from platform_interfaces import LoggingInterface, SecretsInterface


@dataclass(frozen=True)
class LogEvent:
    """One event: its level ("debug", "info", "warn", "error"), message and fields."""

    level: str
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class MemoryLogger(LoggingInterface):
    """Keeps all events in ``events``, in order; loggers bound from it add to the same list."""

    def __init__(self, secrets: SecretsInterface | None = None) -> None:
        """``secrets`` is taken as every implementation does; nothing is read from it."""
        self.events: list[LogEvent] = []
        self._bound: dict[str, Any] = {}

    def messages(self, level: str | None = None) -> list[str]:
        """The messages of one level, or of all."""
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
