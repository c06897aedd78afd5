"""``batch_etl`` on a day of files, in the process of the tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from batch_etl.ingest import LIMITS, Limits
from batch_etl.main import retry, run
from platform_interfaces import (
    DatabaseInterface,
    ExecutorInterface,
    FileSystemInterface,
    Reject,
    find_rejects,
)
from platform_interfaces.testing import JobHarness, JobResult
from platform_memory import MemoryFileSystem, MemoryLogger

DATE = "2026-01-15"
FOLDER = f"raw/events/{DATE}"
FILE = f"{FOLDER}/a.jsonl"


class EventJob(JobHarness):
    """The job on one database; the files are in memory unless a file system is given."""

    def __init__(
        self,
        db: DatabaseInterface,
        fs: FileSystemInterface | None = None,
        limits: Limits = LIMITS,
        executor: ExecutorInterface | None = None,
    ) -> None:
        self.limits = limits
        super().__init__(
            lambda ctx: run(ctx, self.limits),
            retry=lambda ctx: retry(ctx, self.limits),
            log=MemoryLogger,
            db=db,
            fs=fs if fs is not None else MemoryFileSystem(),
            executor=executor,
            arguments={"date": DATE, "source-path": "raw/events"},
        )

    async def load(self, *contents: bytes, suffix: str = ".jsonl", **arguments: Any) -> JobResult:
        """Write files ``a.jsonl``, ``b.jsonl`` and so on over those of the day, and run the job."""
        for name, content in zip("abcdef", contents, strict=False):
            await self.fs.write(f"{FOLDER}/{name}{suffix}", content)
        return await self.run(**arguments)

    async def event_types(self) -> list[str]:
        """Return the event types in the table, sorted."""
        rows = await self.db.fetch_all("SELECT event_type FROM cleaned_events")
        return sorted(row["event_type"] for row in rows)

    async def payload(self, event_type: str = "case") -> Any:
        """Return the payload of the one event of this type, with numbers that compare exactly."""
        [row] = await self.db.fetch_all(
            "SELECT payload FROM cleaned_events WHERE event_type = $1", [event_type]
        )
        return _exact(row["payload"])

    async def rejects(self, file: str = FILE) -> list[Reject]:
        """Return the rejected lines of ``file``."""
        return [reject async for reject in find_rejects(self.fs, file)]


def totals(result: JobResult) -> dict[str, Any]:
    """Return the totals, which the last event of a run has."""
    last = result.events[-1]
    assert (last.level, last.message) == ("info", "Batch ETL complete")
    return dict(last.fields)


def _exact(value: Any) -> Any:
    """Return ``value`` with every number, but no boolean, as a ``Decimal``."""
    if isinstance(value, dict):
        return {key: _exact(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_exact(part) for part in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(repr(value))
    return value
