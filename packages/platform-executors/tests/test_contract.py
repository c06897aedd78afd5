import pytest

from platform_executors import InlineExecutor, ProcessesExecutor
from platform_interfaces.testing import ExecutorContract


class TestInlineExecutor(ExecutorContract):
    has_workers = False

    @pytest.fixture
    def unprepared(self) -> InlineExecutor:
        return InlineExecutor()


class TestProcessesExecutor(ExecutorContract):
    @pytest.fixture
    def unprepared(self) -> ProcessesExecutor:
        return ProcessesExecutor()
