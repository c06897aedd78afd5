import pytest

from platform_interfaces.testing import ExecutorContract
from platform_memory import MemorySecrets
from platform_new_adapter import NewAdapterExecutor

SETTINGS = MemorySecrets({"NEW_ADAPTER_URL": "two workers"})


class TestNewAdapterExecutor(ExecutorContract):
    @pytest.fixture
    def unprepared(self) -> NewAdapterExecutor:
        return NewAdapterExecutor(SETTINGS)
