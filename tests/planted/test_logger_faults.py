"""Each logger with a planted fault fails the cases of the shipped suite that are named for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from platform_interfaces import LogEvent, LoggingInterface
from platform_interfaces.testing import LoggingContract
from platform_memory import MemoryLogger
from tests.planted import loggers  # noqa: F401 - registers the faults
from tests.planted.subscriptions import subscribe


class _Recorded(LoggingContract):
    @pytest.fixture
    def events(self, log: Any) -> Callable[[], list[LogEvent]]:
        return lambda: list(log.events)


def _make(adapter: type[Any]) -> Any:
    return adapter()


globals().update(subscribe(_Recorded, LoggingInterface, MemoryLogger, _make, "log"))
