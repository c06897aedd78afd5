import pytest

from platform_interfaces import FileSystemInterface
from platform_interfaces.testing import FileSystemContract
from platform_memory import MemoryFileSystem


class TestMemoryFileSystem(FileSystemContract):
    is_shared = False

    @pytest.fixture
    def fs(self) -> MemoryFileSystem:
        return MemoryFileSystem()

    async def raw_read(self, fs: FileSystemInterface, path: str) -> bytes:
        return _files_of(fs)[path]

    async def raw_write(self, fs: FileSystemInterface, path: str, data: bytes) -> None:
        _files_of(fs)[path] = data


def _files_of(fs: FileSystemInterface) -> dict[str, bytes]:
    assert isinstance(fs, MemoryFileSystem)
    return fs._files


async def test_two_objects_are_two_trees() -> None:
    await MemoryFileSystem().write("a", b"x")
    assert await MemoryFileSystem().list("") == []


async def test_signed_urls_name_the_file() -> None:
    fs = MemoryFileSystem()
    await fs.write("a b/ü", b"x")
    assert await fs.get_signed_url("a b/ü") == "memory:///a%20b/%C3%BC"
