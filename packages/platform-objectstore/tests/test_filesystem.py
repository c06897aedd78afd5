"""The file system contract on an S3 server, and what is particular to objects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from platform_interfaces import FileSystemInterface
from platform_interfaces.testing import FileSystemContract
from platform_memory import MemorySecrets
from platform_objectstore import S3FileSystem


class RebuiltFileSystem(S3FileSystem):
    """Another process gets what it is built from, not the client with its secrets."""

    def __init__(self, secrets: MemorySecrets) -> None:
        super().__init__(secrets)
        self._secrets = secrets

    def __reduce__(self) -> tuple[type, tuple[MemorySecrets]]:
        return S3FileSystem, (self._secrets,)


class TestS3FileSystem(FileSystemContract):
    is_shared = True
    survives_fork = False
    pooled_descriptors = 4
    capabilities = S3FileSystem.capabilities

    @pytest.fixture(autouse=True)
    def _client(self, s3_client: Any) -> None:
        self._s3 = s3_client

    @pytest.fixture
    def fs(self, s3_settings: Mapping[str, str]) -> S3FileSystem:
        return RebuiltFileSystem(MemorySecrets({**s3_settings, "FS_S3_PREFIX": "lake/raw"}))

    async def raw_read(self, fs: FileSystemInterface, path: str) -> bytes:
        answer = await asyncio.to_thread(self._s3.get_object, **_address(fs, path))
        return bytes(answer["Body"].read())

    async def raw_write(self, fs: FileSystemInterface, path: str, data: bytes) -> None:
        await asyncio.to_thread(self._s3.put_object, **_address(fs, path), Body=data)


def _address(fs: FileSystemInterface, path: str) -> dict[str, str]:
    bucket, _, key = fs.locate(path).removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}
