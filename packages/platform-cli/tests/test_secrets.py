from collections.abc import Callable, Mapping

import pytest

from platform_cli.secrets import AdapterSecrets, EnvSecrets, Layer
from platform_interfaces import SecretsInterface
from platform_interfaces.testing import SecretsContract


class TestEnvSecrets(SecretsContract):
    @pytest.fixture
    def make_secrets(self) -> Callable[[Mapping[str, str]], SecretsInterface]:
        return lambda values: EnvSecrets([Layer("the environment", {}), Layer("'.env/test.env'", values)])


class TestAdapterSecrets(SecretsContract):
    @pytest.fixture
    def make_secrets(self) -> Callable[[Mapping[str, str]], SecretsInterface]:
        return lambda values: AdapterSecrets(EnvSecrets([Layer("the environment", values)]), {})


def test_c16_a_default_is_for_what_is_not_set_and_an_empty_value_is_not_set() -> None:
    secrets = AdapterSecrets(EnvSecrets([Layer("one", {"A": "", "B": "1"})]), {"A": "2", "B": "2", "C": "2"})
    assert [secrets.get(key) for key in "ABCD"] == ["2", "1", "2", None]
    assert secrets.sources == "one"


def test_c15_the_first_layer_in_which_a_key_is_not_empty_gives_its_value() -> None:
    secrets = EnvSecrets([Layer("one", {"A": "", "B": "1"}), Layer("two", {"A": "2", "B": "2", "C": "2"})])
    assert [secrets.get(key) for key in "ABCD"] == ["2", "1", "2", None]


def test_it_knows_the_layer_of_a_key() -> None:
    one, two = Layer("one", {}), Layer("two", {"A": "1"})
    assert EnvSecrets([one, two]).layer_of("A") is two
    assert EnvSecrets([one, two]).layer_of("B") is None


def test_a_change_of_the_environment_is_seen() -> None:
    environment = {"A": "1"}
    secrets = EnvSecrets([Layer("the environment", environment)])
    environment["A"] = "2"
    assert secrets.get("A") == "2"


def test_its_sources_are_the_layers_in_order() -> None:
    assert EnvSecrets([Layer("one", {}), Layer("two", {})]).sources == "one, then two"
