"""A load of a day, in a process of its own: what the tests here disturb."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.command import Outcome
from tools.make_events import make_day

LIMIT_SECONDS = 90
_OURS = ("DB_", "FS_", "PLATFORM_", "LOG_")


@dataclass(frozen=True)
class Job:
    """A module, the folder it reads, the title of its loads, and the rows that they leave."""

    module: str
    source: str
    title: str
    table: str
    key: str
    columns: str


EVENTS = Job(
    "batch_etl", "raw/events", "Batch ETL", "cleaned_events", "dedup_key", "event_type, payload, dedup_key"
)
ORDERS = Job(
    "orders", "raw/orders", "Orders", "orders", "order_id", "order_id, amount, items, is_paid, ordered_at"
)


@dataclass(frozen=True)
class Day:
    """The raw files of a day below ``root``, and what a load of them has to count."""

    root: Path
    expected: dict[str, Any]
    job: Job = EVENTS

    @classmethod
    def make(cls, root: Path, *, lines: int, files: int, job: Job = EVENTS) -> Day:
        """Make a day that is always the same for the same numbers."""
        folder = root / job.source / "2026-01-15"
        if job is EVENTS:
            return cls(root, make_day(folder, lines=lines, files=files, seed=15))
        return cls(root, make_orders(folder, lines=lines, files=files), job)

    @property
    def unique(self) -> int:
        """Return the number of rows that a load leaves in an empty table."""
        return int(self.expected["unique"])


def make_orders(folder: Path, *, lines: int, files: int) -> dict[str, Any]:
    """Write orders, of which one in a hundred is bad and another one repeats the id of an earlier one."""
    folder.mkdir(parents=True)
    for number in range(files):
        orders = [
            {
                "order_id": f"O{line - 50 if line % 100 == 99 else line}",
                "amount": "bad" if line % 100 == 7 else line / 4,
                "items": 1 + line % 9,
                "is_paid": line % 2 == 0,
                "ordered_at": f"2026-01-15T{line % 24:02}:00:00+01:00",
            }
            for line in range(lines * number // files, lines * (number + 1) // files)
        ]
        (folder / f"orders_{number:03}.jsonl").write_text(
            "".join(json.dumps(order) + "\n" for order in orders)
        )
    each = lines // 100
    return {"lines": lines, "invalid": each, "duplicates": each, "unique": lines - 2 * each}


class Load:
    """A load of a day, from a copy of its files below ``files``; ``variables`` are its environment."""

    def __init__(
        self, project: Path, files: Path, day: Day, *, arguments: Sequence[str] = (), **variables: str
    ) -> None:
        shutil.copytree(day.root, files)
        self._day, self._project, self._arguments = day, project, arguments
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
            "FS_LOCAL_ROOT": str(files),
            "PLATFORM_DB": "postgres",
            "PLATFORM_LOG": "json",
            **variables,
        }

    def start(self) -> subprocess.Popen[str]:
        """Start a load; a large day's cannot end before its log is read, which is more than a pipe holds."""
        job, platform = self._day.job, str(Path(sys.executable).with_name("platform"))
        return subprocess.Popen(
            [
                *(platform, "run", job.module, "--date", "2026-01-15", "--source-path", job.source),
                *self._arguments,
            ],
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
        totals = done.totals(self._day.job.title)
        assert {name: totals[name] for name in self._day.expected} == self._day.expected
        assert totals["inserted"] + totals["skipped"] == self._day.unique
        return done


def wait_for(process: subprocess.Popen[str]) -> Outcome:
    """Return the outcome of a load, which must end within the limit."""
    with process:
        _, log = process.communicate(timeout=LIMIT_SECONDS)
    return Outcome(process.returncode, "", log)
