from collections.abc import Callable, Mapping

import pytest

from platform_interfaces import SecretsInterface
from platform_interfaces.testing import SecretsContract
from platform_memory import MemorySecrets
from platform_new_adapter import NewAdapterSecrets

SETTINGS = MemorySecrets({"NEW_ADAPTER_URL": "a store of the tests"})


class TestNewAdapterSecrets(SecretsContract):
    @pytest.fixture
    def make_secrets(self) -> Callable[[Mapping[str, str]], SecretsInterface]:
        def make(values: Mapping[str, str]) -> NewAdapterSecrets:
            store = NewAdapterSecrets(SETTINGS)
            if any(store.get(key) != value for key, value in values.items()):
                raise NotImplementedError("the fixture that stores values is not written yet")
            return store

        return make
