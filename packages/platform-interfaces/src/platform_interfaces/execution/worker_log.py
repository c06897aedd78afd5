"""The log of a worker, which appears in that of the run."""

import copy
import pickle
from collections.abc import Callable
from typing import Any, Self

from platform_interfaces.logging import LogEvent, LoggingInterface


class WorkerLogger(LoggingInterface):
    """A logger that hands its events to ``send``; a value that cannot be pickled becomes its ``repr``."""

    def __init__(self, send: Callable[[LogEvent], None]) -> None:
        self._send = send
        self._bound: dict[str, Any] = {}

    def debug(self, message: str, **fields: Any) -> None:
        self._log("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._log("info", message, fields)

    def warn(self, message: str, **fields: Any) -> None:
        self._log("warn", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._log("error", message, fields)

    def bind(self, **fields: Any) -> Self:
        bound = copy.copy(self)
        bound._bound = self._bound | fields
        return bound

    def _log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        shown = {name: _to_sendable(value) for name, value in (self._bound | fields).items()}
        self._send(LogEvent(level, message, shown))


def replay(log: LoggingInterface, event: LogEvent) -> None:
    """Log an event of a worker to ``log``."""
    getattr(log, event.level)(event.message, **event.fields)


def _to_sendable(value: object) -> object:
    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # noqa: BLE001 - logging does not fail because of a value
        return repr(value)
    return value
