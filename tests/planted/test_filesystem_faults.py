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


globals().update(subscribe(FileSystemContract, FileSystemInterface, MemoryFileSystem, _make, "fs"))
globals().update(subscribe(FileSystemContract, FileSystemInterface, LocalFileSystem, _make, "fs"))
