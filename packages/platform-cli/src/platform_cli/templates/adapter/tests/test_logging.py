from collections.abc import Callable

import pytest

from platform_interfaces import LogEvent
from platform_interfaces.testing import LoggingContract
from platform_memory import MemorySecrets
from platform_new_adapter import NewAdapterLogger

SETTINGS = MemorySecrets({"LOG_LEVEL": "DEBUG"})


class TestNewAdapterLogger(LoggingContract):
    @pytest.fixture
    def log(self) -> NewAdapterLogger:
        return NewAdapterLogger(SETTINGS)

    @pytest.fixture
    def events(self, log: NewAdapterLogger) -> Callable[[], list[LogEvent]]:
        def read() -> list[LogEvent]:
            raise NotImplementedError("the fixture that reads events back is not written yet")

        return read
