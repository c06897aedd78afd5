"""The job in this process: files in memory, a database with the table, and what a run leaves there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from batch_etl.ingest import LIMITS
from batch_etl.main import run
from platform_interfaces import (
    DatabaseInterface,
    FileSystemInterface,
    PlatformContext,
    Reject,
    find_rejects,
)
from platform_memory import MemoryFileSystem, MemoryLogger

FOLDER = "raw/events/2026-01-15"
FILE = f"{FOLDER}/a.jsonl"


def event_line(payload: str = "{}", event_type: str = '"case"', source: str = '"test"') -> bytes:
    """The line of an event, of parts that are JSON, or are to look like it."""
    line = f'{{"event_type": {event_type}, "payload": {payload}, "source": {source}}}'
    return line.encode(errors="surrogatepass")


BEFORE, AFTER = event_line(event_type='"before"'), event_line(event_type='"after"')


def between(*lines: bytes) -> bytes:
    """A file with these lines between two good ones."""
    return b"\n".join([BEFORE, *lines, AFTER]) + b"\n"


def sums(
    lines: int, *, blank: int = 0, inserted: int = 0, skipped: int = 0, duplicates: int = 0, **invalid: int
) -> dict[str, Any]:
    """All that a run tells of its lines when so many went to each place; ``invalid`` is by reason."""
    unique, rejected = inserted + skipped, sum(invalid.values())
    assert lines == blank + unique + duplicates + rejected
    return {
        "lines": lines,
        "blank": blank,
        "raw": lines - blank,
        "valid": unique + duplicates,
        "invalid": rejected,
        "invalid_by_reason": dict(sorted(invalid.items())),
        "duplicates": duplicates,
        "unique": unique,
        "inserted": inserted,
        "skipped": skipped,
    }


@dataclass(frozen=True)
class Loaded:
    """What a run has told: its exit code and its sums."""

    code: int
    sums: Mapping[str, Any]


class Bench:
    """Runs of the job on one database; the sums of a run are the same whichever it is."""

    def __init__(self, db: DatabaseInterface) -> None:
        self.db = db
        self.fs: FileSystemInterface = MemoryFileSystem()
        self.limits = LIMITS

    async def run(self, *contents: bytes, suffix: str = ".jsonl", **changes: Any) -> Loaded:
        """Write files ``a.jsonl``, ``b.jsonl`` and so on over those of the day, and load it."""
        for name, content in zip("abcdef", contents, strict=False):
            await self.fs.write(f"{FOLDER}/{name}{suffix}", content)
        config = {"date": "2026-01-15", "source-path": "raw/events"} | {
            name.replace("_", "-"): value for name, value in changes.items()
        }
        log = MemoryLogger()
        code = await run(PlatformContext(log=log, db=self.db, fs=self.fs, config=config), self.limits)
        assert log.events[-1].message == "Batch ETL complete"
        return Loaded(code, log.events[-1].fields)

    async def types(self) -> list[str]:
        """The event types in the table, sorted."""
        rows = await self.db.fetch_all("SELECT event_type FROM cleaned_events")
        return sorted(row["event_type"] for row in rows)

    async def payload(self, event_type: str = "case") -> Any:
        """The payload of the one event of this type, with numbers that compare exactly."""
        [row] = await self.db.fetch_all(
            "SELECT payload FROM cleaned_events WHERE event_type = $1", [event_type]
        )
        return exact(row["payload"])

    async def rejects(self, file: str = FILE) -> list[Reject]:
        """What is kept of the bad lines of ``file``."""
        return [reject async for reject in find_rejects(self.fs, file)]


def exact(value: Any) -> Any:
    """``value`` with every number, but no boolean, as a ``Decimal``."""
    if isinstance(value, dict):
        return {key: exact(part) for key, part in value.items()}
    if isinstance(value, list):
        return [exact(part) for part in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(repr(value))
    return value


def among_good(lines: Iterable[bytes]) -> bytes:
    """A file with each of these lines between two good ones: the lines 2, 4, 6 and so on are those given."""
    pieces = [good_line(0)]
    for number, line in enumerate(lines, 1):
        pieces += [line, good_line(number)]
    return b"\n".join(pieces) + b"\n"


def good_line(number: int) -> bytes:
    """One of the neighbours, which are all different."""
    return event_line(f'{{"n": {number}}}', event_type='"good"')
