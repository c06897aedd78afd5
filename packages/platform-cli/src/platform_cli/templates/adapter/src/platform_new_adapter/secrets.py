"""``SecretsInterface`` on new_adapter."""

from platform_interfaces import SecretsInterface


class NewAdapterSecrets(SecretsInterface):
    """Secrets in new_adapter."""

    def __init__(self, settings: SecretsInterface) -> None:
        """Read the settings of the store itself; ``connect``, if there is anything to open, opens."""
        self._url = settings.require("NEW_ADAPTER_URL")

    def get(self, key: str) -> str | None:
        raise NotImplementedError("get is not written yet")

    @property
    def sources(self) -> str:
        raise NotImplementedError("sources is not written yet")
