"""Cleaned events into the table, each exactly once."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from batch_etl.json_text import dump_canonical
from batch_etl.transformer import Event
from platform_interfaces import DatabaseInterface, JsonText, LoggingInterface, Row, quote_table


@dataclass(frozen=True)
class Written:
    """What became of some events: numbers of rows."""

    inserted: int = 0
    duplicates: int = 0  # this run had written the same event before
    skipped: int = 0  # the same event was in the table before this run

    def __add__(self, other: "Written") -> "Written":
        """Both together."""
        return Written(
            self.inserted + other.inserted, self.duplicates + other.duplicates, self.skipped + other.skipped
        )


async def write_to_db(
    db: DatabaseInterface, log: LoggingInterface, target_table: str, events: Sequence[Event], batch_size: int
) -> Written:
    """Insert the events that the table does not have yet, ``batch_size`` at a time.

    Each batch is kept whole or not at all, and writing it again changes nothing.

    Args:
        db: connected.
        log: told the progress, at debug level.
        target_table: with a unique constraint on ``dedup_key``.
        events: transformed and deduplicated, all with the ``created_at`` of this run.
        batch_size: rows.
    """
    total = Written()
    for start in range(0, len(events), batch_size):
        rows = [_row(event) for event in events[start : start + batch_size]]
        inserted = await db.bulk_insert(target_table, rows, skip_conflicts_on=["dedup_key"])
        written = (
            Written(inserted) if inserted == len(rows) else await _judge(db, target_table, rows, inserted)
        )
        log.debug("Batch written", rows=len(rows), inserted=inserted)
        total += written
    return total


class DryRun:
    """Stands in for the table: remembers the keys, in a temporary file once they are many, and no event."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE keys (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def write(self, events: Sequence[Event]) -> Written:
        """What a new table would say of the events, without inserting them."""
        keys = [(event["dedup_key"],) for event in events]
        new = (
            self._database.executemany("INSERT OR IGNORE INTO keys VALUES (?)", keys).rowcount if keys else 0
        )
        return Written(duplicates=len(events) - new)

    def close(self) -> None:
        """Remove the file."""
        self._database.close()


def _row(event: Event) -> Row:
    return {
        **event,
        "payload": JsonText(dump_canonical(event["payload"])),
        "dedup_key": bytes.fromhex(event["dedup_key"]),
    }


async def _judge(db: DatabaseInterface, table: str, rows: Sequence[Row], inserted: int) -> Written:
    """Tell the rows that were there before this run from those it wrote itself, by their ``created_at``."""
    found = await db.fetch_one(
        f"SELECT COUNT(*) AS ours FROM {quote_table(table)} "  # noqa: S608 - quoted
        "WHERE dedup_key = ANY($1) AND created_at = $2",
        [[row["dedup_key"] for row in rows], rows[0]["created_at"]],
    )
    ours = found["ours"] if found else 0
    return Written(inserted, duplicates=ours - inserted, skipped=len(rows) - ours)
