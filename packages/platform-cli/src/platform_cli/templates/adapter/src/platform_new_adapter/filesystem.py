"""``FileSystemInterface`` on new_adapter."""

from collections.abc import AsyncGenerator, AsyncIterable

from platform_interfaces import FileSystemInterface, SecretsInterface


class NewAdapterFileSystem(FileSystemInterface):
    """Files in new_adapter."""

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the settings; ``connect``, if there is anything to open, opens."""
        self._url = secrets.require("NEW_ADAPTER_URL")

    async def read(self, path: str) -> bytes:
        raise NotImplementedError("read is not written yet")

    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        raise NotImplementedError("write is not written yet")

    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        raise NotImplementedError("write_stream is not written yet")

    async def list(self, prefix: str) -> list[str]:
        raise NotImplementedError("list is not written yet")

    async def delete(self, path: str) -> bool:
        raise NotImplementedError("delete is not written yet")

    async def exists(self, path: str) -> bool:
        raise NotImplementedError("exists is not written yet")

    async def get_signed_url(self, path: str, expiry: int = 3600) -> str:
        raise NotImplementedError("get_signed_url is not written yet")

    def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError("stream is not written yet")

    async def health_check(self) -> bool:
        raise NotImplementedError("health_check is not written yet")
