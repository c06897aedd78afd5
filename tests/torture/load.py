"""A load of a day, in a process of its own: what the tests here disturb."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.command import Outcome
from tools.make_events import make_day

LIMIT_SECONDS = 90
_OURS = ("DB_", "FS_", "PLATFORM_", "LOG_")


@dataclass(frozen=True)
class Day:
    """Raw events below ``root``, and what a load of them has to count."""

    root: Path
    expected: dict[str, Any]

    @classmethod
    def make(cls, root: Path, *, lines: int, files: int) -> Day:
        """Make a day that is always the same for the same numbers."""
        return cls(root, make_day(root / "raw/events/2026-01-15", lines=lines, files=files, seed=15))

    @property
    def unique(self) -> int:
        """Return the number of rows that a load leaves in an empty table."""
        return int(self.expected["unique"])


class Load:
    """A load of a day, from a copy of its files below ``files``; ``variables`` are its environment."""

    def __init__(self, project: Path, files: Path, day: Day, **variables: str) -> None:
        shutil.copytree(day.root, files)
        self._day, self._project = day, project
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
            "FS_LOCAL_ROOT": str(files),
            "PLATFORM_DB": "postgres",
            "PLATFORM_LOG": "json",
            **variables,
        }

    def start(self) -> subprocess.Popen[str]:
        """Start a load; a large day's cannot end before its log is read, which is more than a pipe holds."""
        platform = str(Path(sys.executable).with_name("platform"))
        return subprocess.Popen(
            [platform, "run", "batch_etl", "--date", "2026-01-15", "--source-path", "raw/events"],
            cwd=self._project,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str] | None = None) -> Outcome:
        """Return the outcome of ``process``, or a new one; it must succeed and account for every line."""
        done = wait_for(process or self.start())
        assert done.code == 0, done.log
        totals = done.totals()
        assert {name: totals[name] for name in self._day.expected} == self._day.expected
        assert totals["inserted"] + totals["skipped"] == self._day.unique
        return done


def wait_for(process: subprocess.Popen[str]) -> Outcome:
    """Return the outcome of a load, which must end within the limit."""
    with process:
        _, log = process.communicate(timeout=LIMIT_SECONDS)
    return Outcome(process.returncode, "", log)
