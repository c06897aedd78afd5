import pytest

from platform_interfaces.testing import FileSystemContract
from platform_memory import MemorySecrets
from platform_new_adapter import NewAdapterFileSystem

SETTINGS = MemorySecrets({"NEW_ADAPTER_URL": "an empty root"})


class TestNewAdapterFileSystem(FileSystemContract):
    capabilities = NewAdapterFileSystem.capabilities

    @pytest.fixture
    def fs(self) -> NewAdapterFileSystem:
        return NewAdapterFileSystem(SETTINGS)
