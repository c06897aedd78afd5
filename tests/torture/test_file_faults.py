"""A file write that fails or dies at any call of the system leaves the old content or the new, never a mix.

Cases 48 (errors), 49 (kills) and 50 (an error after the rename) of bad input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from platform_localfs import LocalFileSystem
from platform_memory import MemorySecrets
from tests.torture.faulty_write import ABANDONED, NEW, OLD, PATH, REFUSED, WRITTEN

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Attempt:
    """A write that met its fault at ``call``, and ended with the exit code ``code``."""

    root: Path
    call: str
    code: int

    def opened(self) -> LocalFileSystem:
        """Return the file system, as another process finds it."""
        return LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(self.root)}))

    def left_behind(self) -> list[str]:
        """Return the files that a write has left besides its own."""
        files = [str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir()]
        return [path for path in files if path != PATH and not path.endswith(ABANDONED)]


def attempts(folder: Path, situation: str, method: str, fault: str) -> list[Attempt]:
    """Return an attempt for each call that the write makes."""
    command = [sys.executable, "-m", "tests.torture.faulty_write", str(folder), situation, method, fault]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    *lines, _ = [json.loads(line) for line in done.stdout.splitlines()]
    pairs = zip(lines[::2], lines[1::2], strict=True)
    found = [
        Attempt(folder / str(number), call["call"], outcome["code"])
        for number, (call, outcome) in enumerate(pairs, 1)
    ]
    assert {"open", "write", "fsync", "replace"} <= {attempt.call for attempt in found}
    return found


async def content(fs: LocalFileSystem) -> bytes | None:
    return await fs.read(PATH) if await fs.exists(PATH) else None


@pytest.fixture(params=["nothing", "old file", "directory without files"])
def situation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def old(situation: str) -> bytes | None:
    return OLD if situation == "old file" else None


@pytest.mark.parametrize(("method", "error"), [("write", "EIO"), ("write_stream", "ENOSPC")])
async def test_cases_48_and_50_an_error_at_any_call_leaves_old_or_new_and_nothing_else(
    tmp_path: Path, situation: str, old: bytes | None, method: str, error: str
) -> None:
    is_renamed = False
    for attempt in attempts(tmp_path, situation, method, error):
        fs, label = attempt.opened(), f"at {attempt.call}, try {attempt.root.name}"
        if attempt.code == WRITTEN:
            assert await content(fs) == NEW, label
        else:
            assert attempt.code == REFUSED, label
            assert await content(fs) == (NEW if is_renamed else old), label
        assert attempt.left_behind() == [], label
        is_made = (attempt.root / "dir").exists()
        assert is_made or situation == "nothing", label
        assert not is_made or situation != "nothing" or await fs.exists(PATH), label  # F9: no empty folder
        # Each try goes one call further than the one before it: after this one, the rename has been done.
        is_renamed = is_renamed or attempt.call == "replace"
    assert is_renamed


@pytest.mark.parametrize("method", ["write", "write_stream"])
async def test_case_49_a_kill_at_any_call_leaves_old_or_new_and_the_next_write_tidies_up(
    tmp_path: Path, situation: str, old: bytes | None, method: str
) -> None:
    is_renamed = False
    for attempt in attempts(tmp_path, situation, method, "SIGKILL"):
        fs, label = attempt.opened(), f"at {attempt.call}, try {attempt.root.name}"
        assert attempt.code == -9, label
        found = await content(fs)
        assert found == (NEW if is_renamed else old), label
        assert await fs.list("") == ([] if found is None else [PATH]), label
        await fs.write(PATH, b"next")
        assert await fs.read(PATH) == b"next"
        assert [path.name for path in (attempt.root / "dir").iterdir()] == ["a"], label
        is_renamed = is_renamed or attempt.call == "replace"
    assert is_renamed
