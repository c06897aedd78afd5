"""Secret stores with one fault each."""

from __future__ import annotations

from platform_interfaces import MissingSecretError
from platform_memory import MemorySecrets
from tests.planted.subscriptions import noticed_by

MESSAGE = "test_no_value_shows_in_the_message_of_require"


@noticed_by("test_keys_that_differ_in_case_differ")
class KeysAreFolded(MemorySecrets):
    def get(self, key: str) -> str | None:
        return {name.lower(): value for name, value in self._values.items()}.get(key.lower())


@noticed_by("test_keys_that_differ_in_case_differ")
class KeysAreUpperCase(MemorySecrets):
    def get(self, key: str) -> str | None:
        return super().get(key.upper())


@noticed_by(MESSAGE)
class TheMessageHasAllValues(MemorySecrets):
    def explain_missing(self, key: str) -> str:
        return f"{super().explain_missing(key)}: {self._values}"


@noticed_by(MESSAGE)
class TheSourcesHaveAllValues(MemorySecrets):
    @property
    def sources(self) -> str:
        return f"the values {sorted(self._values.values())}"


@noticed_by(MESSAGE)
class TheNearestSecretIsShown(MemorySecrets):
    def require(self, key: str) -> str:
        try:
            return super().require(key)
        except MissingSecretError as error:
            near = next((value for name, value in self._values.items() if value and name.startswith(key)), "")
            raise MissingSecretError(f"{error} {near}") from error


@noticed_by("test_get_returns_the_value_as_it_was_set")
class ValuesAreStripped(MemorySecrets):
    def get(self, key: str) -> str | None:
        return (super().get(key) or "").strip() or None


@noticed_by("test_get_returns_none_for_what_is_not_set")
class AnyKeyHasAValue(MemorySecrets):
    def get(self, key: str) -> str | None:
        return next(iter(self._values.values()), None)


@noticed_by("test_an_empty_value_counts_as_not_set")
class AnEmptyValueIsSet(MemorySecrets):
    def get_or_default(self, key: str, default: str) -> str:
        return self._values.get(key, default)


@noticed_by("test_no_value_shows_in_its_repr")
class ReprShowsValues(MemorySecrets):
    def __repr__(self) -> str:
        return f"Secrets({self._values})"


@noticed_by(
    "test_it_can_be_opened_again_after_it_was_closed", "test_an_error_in_a_with_block_closes_it_and_passes"
)
class DisconnectForgetsTheValues(MemorySecrets):
    async def disconnect(self) -> None:
        self._values = {}


@noticed_by("test_an_error_in_a_with_block_closes_it_and_passes")
class AnErrorInABlockIsSwallowed(MemorySecrets):
    async def __aexit__(self, *_: object) -> bool:  # type: ignore[override]
        return True
