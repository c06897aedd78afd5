"""``DatabaseInterface`` on new_adapter."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from platform_interfaces import DatabaseInterface, QueryResult, Row, SecretsInterface


class NewAdapterDatabase(DatabaseInterface):
    """A database in new_adapter."""

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the settings; ``connect`` opens."""
        self._url = secrets.require("NEW_ADAPTER_URL")

    async def connect(self) -> None:
        raise NotImplementedError("connect is not written yet")

    async def disconnect(self) -> None:
        raise NotImplementedError("disconnect is not written yet")

    def is_connected(self) -> bool:
        raise NotImplementedError("is_connected is not written yet")

    async def execute(
        self, query: str, params: Sequence[Any] | None = None, *, timeout: float | None = None
    ) -> int:
        raise NotImplementedError("execute is not written yet")

    async def fetch_one(self, query: str, params: Sequence[Any] | None = None) -> Row | None:
        raise NotImplementedError("fetch_one is not written yet")

    async def fetch_all(self, query: str, params: Sequence[Any] | None = None) -> list[Row]:
        raise NotImplementedError("fetch_all is not written yet")

    def stream(self, query: str, params: Sequence[Any] | None = None) -> AsyncGenerator[Row, None]:
        raise NotImplementedError("stream is not written yet")

    def transaction(self) -> AbstractAsyncContextManager[None]:
        raise NotImplementedError("transaction is not written yet")

    def open_query(self, query: str, *, is_read_only: bool) -> AbstractAsyncContextManager[QueryResult]:
        raise NotImplementedError("open_query is not written yet")

    async def bulk_insert(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        skip_conflicts_on: Sequence[str] = (),
        batch_size: int | None = None,
    ) -> int:
        raise NotImplementedError("bulk_insert is not written yet")

    def lock(self, name: str, *, timeout: float) -> AbstractAsyncContextManager[None]:
        raise NotImplementedError("lock is not written yet")

    async def health_check(self) -> bool:
        raise NotImplementedError("health_check is not written yet")
