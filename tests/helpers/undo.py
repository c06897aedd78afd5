"""Loads of ``batch_etl`` whose figures are kept as the history has them, and their undo, in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from batch_etl.ingest import LIMITS, Limits
from batch_etl.main import run, undo
from platform_interfaces import DatabaseInterface, FileSystemInterface, PlatformContext, Run, Undo
from platform_memory import MemoryFileSystem, MemoryLogger


@dataclass
class Recorded:
    """A run that has ended: its figures at the end, and as they were saved last before that."""

    arguments: Mapping[str, Any]
    figures: dict[str, Any] = field(default_factory=dict)
    saved: dict[str, Any] = field(default_factory=dict)
    saves: int = 0


@dataclass(frozen=True)
class Loader:
    """Loads events, and removes them again."""

    db: DatabaseInterface
    limits: Limits = LIMITS
    fs: FileSystemInterface = field(default_factory=MemoryFileSystem)

    async def load(self, content: bytes, date: str = "2026-01-15", table: str = "cleaned_events") -> Recorded:
        """Load one file as a day of its own folder."""
        folder = f"raw/{table}/{date}"
        await self.fs.write(f"{folder}/a.jsonl", content)
        recorded = Recorded({"date": date, "source-path": f"raw/{table}", "target-table": table})

        async def save() -> None:
            recorded.saved = json.loads(json.dumps(made.figures))
            recorded.saves += 1

        made = Run(arguments=recorded.arguments, save_figures=save)
        assert await run(self._context(made), self.limits) == 0
        recorded.figures = json.loads(json.dumps(made.figures))
        return recorded

    async def find_undo(self, recorded: Recorded, *, has_died: bool = False) -> Undo:
        """Return the undo of a run that has ended, or of one that died before its last write was known."""
        figures = recorded.saved if has_died else recorded.figures
        return await undo(self._context(Run(arguments=recorded.arguments, figures=dict(figures))))

    async def remove(self, recorded: Recorded, *, has_died: bool = False) -> int:
        """Undo a run; return the number of rows removed."""
        found = await self.find_undo(recorded, has_died=has_died)
        async with self.db.lock(found.lock, timeout=0), self.db.transaction():
            return await found.remove()

    def _context(self, made: Run) -> PlatformContext:
        return PlatformContext(log=MemoryLogger(), db=self.db, fs=self.fs, config=made.arguments, run=made)


def small_batches(lines: int) -> Limits:
    """Return limits with which a batch has so many events."""
    return replace(
        LIMITS,
        chunk_lines=lines,
        batch_lines=lines,
        min_recent_keys=LIMITS.concurrent_batches * 2 * lines,
    )
