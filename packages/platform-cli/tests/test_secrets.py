from collections.abc import Callable, Mapping

import pytest

from platform_cli.secrets import EnvSecrets, Layer, SecretsWithDefaults
from platform_interfaces import SecretsInterface
from platform_interfaces.testing import SecretsContract


class TestEnvSecrets(SecretsContract):
    @pytest.fixture
    def make_secrets(self) -> Callable[[Mapping[str, str]], SecretsInterface]:
        return lambda values: EnvSecrets([Layer("the environment", {}), Layer("'.env/test.env'", values)])


class TestSecretsWithDefaults(SecretsContract):
    @pytest.fixture
    def make_secrets(self) -> Callable[[Mapping[str, str]], SecretsInterface]:
        return lambda values: SecretsWithDefaults(EnvSecrets([Layer("the environment", values)]), {})


def test_a_default_is_for_what_is_set_nowhere_and_an_empty_value_is_set() -> None:
    secrets = SecretsWithDefaults(
        EnvSecrets([Layer("one", {"A": "", "B": "1"})]), {"A": "2", "B": "2", "C": "2"}
    )
    assert [secrets.get(key) for key in "ABCD"] == ["", "1", "2", None]
    assert secrets.sources == "one"


def test_the_first_layer_that_has_a_key_gives_its_value_even_an_empty_one() -> None:
    secrets = EnvSecrets([Layer("one", {"A": "", "B": "1"}), Layer("two", {"A": "2", "B": "2", "C": "2"})])
    assert [secrets.get(key) for key in "ABCD"] == ["", "1", "2", None]


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
