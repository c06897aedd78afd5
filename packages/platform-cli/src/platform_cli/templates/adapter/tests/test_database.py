import pytest

from platform_interfaces.testing import DatabaseContract
from platform_memory import MemorySecrets
from platform_new_adapter import NewAdapterDatabase

SETTINGS = MemorySecrets({"NEW_ADAPTER_URL": "an empty database"})


class TestNewAdapterDatabase(DatabaseContract):
    @pytest.fixture
    def database(self) -> NewAdapterDatabase:
        return NewAdapterDatabase(SETTINGS)
