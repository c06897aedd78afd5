"""Faults of file writes that the kernel itself reports, where strace can be had to have it do so.

Cases 48 to 50 of bad input; `test_file_faults.py` has them everywhere, and at more calls.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from platform_localfs import LocalFileSystem
from platform_memory import MemorySecrets

WRITER = """
import asyncio, sys
from platform_interfaces import FileSystemError
from platform_localfs import LocalFileSystem
from platform_memory import MemorySecrets

fs = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": sys.argv[1]}))
try:
    asyncio.run(fs.write("dir/a", b"new"))
except FileSystemError:
    sys.exit(10)
"""
# The first fsync is that of the content, the second that of the directory, after the rename.
FAULTS = {
    "fsync:error=EIO:when=1": (10, b"old"),
    "/^rename:error=ENOSPC:when=1": (10, b"old"),
    "fsync:error=EIO:when=2": (10, b"new"),
    "fsync:signal=KILL:when=1": (-9, b"old"),
    "/^rename:signal=KILL:when=1": (-9, b"old"),
    "fsync:signal=KILL:when=2": (-9, b"new"),
}


def strace(*arguments: str) -> int:
    """Return the exit code of a command under strace; that of strace's own when it may not trace."""
    command = ["strace", "-f", "-qq", "-o", "/dev/null", *arguments]
    return subprocess.run(command, check=False, capture_output=True).returncode


if shutil.which("strace") and strace("true") == 0:

    @pytest.mark.parametrize("fault", FAULTS)
    async def test_cases_48_to_50_a_fault_of_the_kernel_leaves_old_or_new(tmp_path: Path, fault: str) -> None:
        code, expected = FAULTS[fault]
        fs = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path)}))
        await fs.write("dir/a", b"old")
        traced = ("-e", "trace=fsync,/^rename", "-e", f"inject={fault}", sys.executable, "-c", WRITER)
        assert strace(*traced, str(tmp_path)) == code
        assert await fs.read("dir/a") == expected
        assert await fs.list("") == ["dir/a"]
        is_tidy = len(list((tmp_path / "dir").iterdir())) == 1
        assert is_tidy or code == -9
        await LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path)})).write("dir/b", b"x")
        assert sorted(path.name for path in (tmp_path / "dir").iterdir()) == ["a", "b"]
