"""``ExecutorInterface`` on new_adapter."""

from platform_interfaces import SecretsInterface
from platform_interfaces.execution import RemoteExecutor


class NewAdapterExecutor(RemoteExecutor):
    """Workers in new_adapter; on each, a ``platform_interfaces.execution.Worker`` answers the calls."""

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the settings; ``connect`` opens."""
        self._url = secrets.require("NEW_ADAPTER_URL")

    async def connect(self) -> None:
        raise NotImplementedError("connect is not written yet")

    async def disconnect(self) -> None:
        raise NotImplementedError("disconnect is not written yet")

    async def run_call(self, call: bytes) -> bytes:
        raise NotImplementedError("run_call is not written yet")
