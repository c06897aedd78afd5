"""The file system contract on local disk."""

from pathlib import Path

import pytest

from platform_interfaces.testing import FileSystemContract
from platform_localfs import LocalFileSystem
from platform_memory import MemorySecrets


class TestLocalFileSystem(FileSystemContract):
    is_shared = True

    @pytest.fixture
    def fs(self, tmp_path: Path) -> LocalFileSystem:
        return LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path / "root")}))

    async def test_health_check_makes_the_root(self, fs: LocalFileSystem, tmp_path: Path) -> None:
        assert await fs.health_check()
        assert (tmp_path / "root").is_dir()
