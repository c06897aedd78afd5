"""What every ``SecretsInterface`` promises."""

from collections.abc import Callable, Mapping

import pytest

from platform_interfaces import MissingSecretError, SecretsInterface
from platform_interfaces.testing._lifecycle import LifecycleCases

MakeSecrets = Callable[[Mapping[str, str]], SecretsInterface]


class SecretsContract(LifecycleCases):
    """Subscribe with a fixture ``make_secrets``: from a mapping to an instance that holds just that."""

    @pytest.fixture
    def make_secrets(self) -> MakeSecrets:
        """Return the function that makes a store; the subscriber overrides this."""
        raise NotImplementedError

    @pytest.fixture
    def resource(self, make_secrets: MakeSecrets) -> SecretsInterface:
        """Return an instance for the cases that open it themselves."""
        return make_secrets({"KEY": "value"})

    async def use(self, resource: SecretsInterface) -> None:
        """Get a value."""
        assert resource.get("KEY") == "value"

    def test_get_returns_the_value_as_it_was_set(self, make_secrets: MakeSecrets) -> None:
        assert make_secrets({"KEY": " a=b#c 'ü "}).get("KEY") == " a=b#c 'ü "

    def test_get_returns_none_for_what_is_not_set(self, make_secrets: MakeSecrets) -> None:
        assert make_secrets({"KEY": "value"}).get("OTHER") is None

    def test_an_empty_value_counts_as_not_set(self, make_secrets: MakeSecrets) -> None:
        secrets = make_secrets({"EMPTY": "", "KEY": "value"})
        assert not secrets.get("EMPTY")
        assert secrets.get_or_default("EMPTY", "default") == "default"
        assert secrets.get_location("EMPTY", "default") == "default"
        assert secrets.get_or_default("OTHER", "default") == "default"
        assert secrets.get_or_default("KEY", "default") == "value"

    def test_require_returns_the_value(self, make_secrets: MakeSecrets) -> None:
        assert make_secrets({"KEY": "value"}).require("KEY") == "value"

    @pytest.mark.parametrize("values", [{}, {"KEY": ""}])
    def test_require_names_the_missing_key_and_where_it_was_looked_for(
        self, make_secrets: MakeSecrets, values: dict[str, str]
    ) -> None:
        secrets = make_secrets(values)
        with pytest.raises(MissingSecretError, match="'KEY' is not set") as caught:
            secrets.require("KEY")
        assert secrets.sources in str(caught.value)

    def test_keys_that_differ_in_case_differ(self, make_secrets: MakeSecrets) -> None:
        secrets = make_secrets({"KEY": "upper", "key": "lower"})
        assert [secrets.get(key) for key in ("KEY", "key", "Key")] == ["upper", "lower", None]

    @pytest.mark.parametrize("key", ["KEY", "KEY_", "other"])
    def test_no_value_shows_in_the_message_of_require(self, make_secrets: MakeSecrets, key: str) -> None:
        secrets = make_secrets({"KEY": "", "KEY_2": "canary", "OTHER": "canary"})
        with pytest.raises(MissingSecretError) as caught:
            secrets.require(key)
        assert "canary" not in f"{caught.value}{secrets.explain_missing(key)}"

    def test_no_value_shows_in_its_repr(self, make_secrets: MakeSecrets) -> None:
        assert "canary" not in repr(make_secrets({"KEY": "canary"}))
