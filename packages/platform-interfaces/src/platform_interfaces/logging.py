"""The log of a run."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from platform_interfaces.lifecycle import AsyncResource


@dataclass(frozen=True)
class LogEvent:
    """A logged event, as tests read it back; ``level`` is "debug", "info", "warn" or "error"."""

    level: str
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class LoggingInterface(AsyncResource, ABC):
    """Events with fields: a short constant message, and what varies as keyword arguments.

    A message is logged as it is: braces and percent signs in it mean nothing. Several threads may log at
    once. Logging never raises because of a field's value: what cannot be shown is shown as its ``repr``.

    A logger is opened first and closed last, and the run logs before and after that, too: neither raises, and
    an adapter shows what it can.
    Loggers bound from it use what it has opened, and are not opened themselves.
    """

    @abstractmethod
    def debug(self, message: str, **fields: Any) -> None:
        """Log a detail for developers."""

    @abstractmethod
    def info(self, message: str, **fields: Any) -> None:
        """Log normal progress."""

    @abstractmethod
    def warn(self, message: str, **fields: Any) -> None:
        """Log something the user should look at; the run goes on."""

    @abstractmethod
    def error(self, message: str, **fields: Any) -> None:
        """Log something that failed."""

    @abstractmethod
    def bind(self, **fields: Any) -> Self:
        """Return a logger that adds these fields to every event; this one does not change."""
