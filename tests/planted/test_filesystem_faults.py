"""Each file system with a planted fault fails the cases of the shipped suite that are named for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from platform_interfaces import FileSystemInterface
from platform_interfaces.testing import FileSystemContract
from platform_localfs import LocalFileSystem
from platform_memory import MemoryFileSystem, MemorySecrets
from tests.planted import filesystems  # noqa: F401 - registers the faults
from tests.planted.subscriptions import subscribe


def _make(adapter: type[Any], tmp_path: Path) -> Any:
    return adapter(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path / "root")}))


class _InMemory(FileSystemContract):
    async def raw_read(self, fs: Any, path: str) -> bytes:
        return bytes(fs._files[path])

    async def raw_write(self, fs: Any, path: str, data: bytes) -> None:
        fs._files[path] = data


class _OnDisk(FileSystemContract):
    async def raw_read(self, fs: Any, path: str) -> bytes:
        return Path(fs.locate(path)).read_bytes()

    async def raw_write(self, fs: Any, path: str, data: bytes) -> None:
        file = Path(fs.locate(path))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


globals().update(subscribe(_InMemory, FileSystemInterface, MemoryFileSystem, _make, "fs"))
globals().update(subscribe(_OnDisk, FileSystemInterface, LocalFileSystem, _make, "fs"))
