import pytest

from platform_interfaces.testing import DatabaseContract
from platform_memory import MemoryDatabase


class TestMemoryDatabase(DatabaseContract):
    @pytest.fixture
    def database(self) -> MemoryDatabase:
        return MemoryDatabase()
