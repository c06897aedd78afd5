from collections.abc import Callable, Mapping

import pytest

from platform_interfaces import SecretsInterface
from platform_interfaces.testing import SecretsContract
from platform_memory import MemorySecrets


class TestMemorySecrets(SecretsContract):
    @pytest.fixture
    def make_secrets(self) -> Callable[[Mapping[str, str]], SecretsInterface]:
        return MemorySecrets


def test_without_values_nothing_is_set() -> None:
    assert MemorySecrets().get("KEY") is None
