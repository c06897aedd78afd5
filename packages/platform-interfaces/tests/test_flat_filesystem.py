"""A store of keys and values without directories passes the suite that it declares itself for."""

from collections.abc import AsyncGenerator, AsyncIterable
from urllib.parse import quote

import pytest

from platform_interfaces import Capability, FileMissingError, FileSystemInterface, check_path, check_prefix
from platform_interfaces.testing import FileSystemContract


class FlatFileSystem(FileSystemInterface):
    """A dictionary by path: a key says nothing about those that begin with it."""

    capabilities = FileSystemInterface.capabilities - {Capability.DIRECTORIES}

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    async def read(self, path: str) -> bytes:
        if check_path(path) not in self._values:
            raise FileMissingError(f"there is no file {path!r}")
        return self._values[path]

    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        self._values[check_path(path)] = bytes(data)

    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        check_path(path)
        data = b"".join([chunk async for chunk in chunks])
        await self.write(path, data)
        return len(data)

    async def list(self, prefix: str) -> list[str]:
        directory = check_prefix(prefix)
        return sorted(path for path in self._values if not directory or path.startswith(f"{directory}/"))

    async def delete(self, path: str) -> bool:
        return self._values.pop(check_path(path), None) is not None

    async def exists(self, path: str) -> bool:
        return check_path(path) in self._values

    async def get_signed_url(self, path: str, expiry: int = 3600) -> str:
        await self.read(path)
        return f"flat:///{quote(path)}"

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        data = await self.read(path)
        for start in range(offset, len(data), 65536):
            yield data[start : start + 65536]

    async def health_check(self) -> bool:
        return True


class TestFlatFileSystem(FileSystemContract):
    capabilities = FlatFileSystem.capabilities
    is_shared = False

    @pytest.fixture
    def fs(self) -> FlatFileSystem:
        return FlatFileSystem()


def test_the_declared_capabilities_select_the_cases() -> None:
    class Tree(FileSystemContract):
        """With directories, as by default."""

    of_flat, of_tree = set(TestFlatFileSystem.excluded_cases), set(Tree.excluded_cases)
    assert "test_a_file_is_not_a_directory" in of_flat - of_tree
    assert "test_a_file_may_be_the_beginning_of_other_paths" in of_tree - of_flat
    assert all(getattr(TestFlatFileSystem, name) is None for name in of_flat)
