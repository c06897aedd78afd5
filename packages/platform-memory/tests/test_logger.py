from collections.abc import Callable

import pytest

from platform_interfaces import LogEvent
from platform_interfaces.testing import LoggingContract
from platform_memory import MemoryLogger


class TestMemoryLogger(LoggingContract):
    @pytest.fixture
    def log(self) -> MemoryLogger:
        return MemoryLogger()

    @pytest.fixture
    def events(self, log: MemoryLogger) -> Callable[[], list[LogEvent]]:
        return lambda: list(log.events)


def test_bound_loggers_record_into_the_same_list() -> None:
    log = MemoryLogger()
    log.bind(run="r1").warn("from below", line=1)
    assert log.events == [LogEvent("warn", "from below", {"run": "r1", "line": 1})]


def test_messages_are_those_of_a_level_or_all() -> None:
    log = MemoryLogger()
    log.info("a")
    log.error("b")
    assert log.messages() == ["a", "b"]
    assert log.messages("error") == ["b"]
