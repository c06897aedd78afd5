"""Cleaned events into the table, each exactly once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batch_etl.json_text import dump_canonical
from batch_etl.transformer import Event
from platform_interfaces import DatabaseInterface, JsonText, LoggingInterface, Row, quote_table

_PAGE_BYTES = 4096


@dataclass(frozen=True)
class Written:
    """What became of some events: numbers of rows."""

    inserted: int = 0
    duplicates: int = 0  # this run has met the same event before
    skipped: int = 0  # the same event was in the table before this run

    def __add__(self, other: Written) -> Written:
        """Both together."""
        return Written(
            self.inserted + other.inserted, self.duplicates + other.duplicates, self.skipped + other.skipped
        )


async def write_to_db(
    db: DatabaseInterface,
    log: LoggingInterface,
    target_table: str,
    events: Sequence[Event],
    batch_size: int,
    seen: SeenRows,
) -> Written:
    """Insert the events that the table does not have yet, ``batch_size`` rows at a time.

    Each batch is kept whole or not at all, and writing it again changes nothing.

    Args:
        db: connected.
        log: told the progress, at debug level.
        target_table: shaped like ``cleaned_events``: an integer ``id``, ``dedup_key`` unique.
        events: transformed and deduplicated, all with the ``created_at`` of this run.
        batch_size: at least 1.
        seen: the older rows that this run has met; added to.
    """
    total = Written()
    for start in range(0, len(events), batch_size):
        rows = [_row(event) for event in events[start : start + batch_size]]
        inserted = await db.bulk_insert(target_table, rows, skip_conflicts_on=["dedup_key"])
        skipped = 0
        if inserted < len(rows):
            skipped = seen.add(await _older_rows(db, target_table, rows))
        written = Written(inserted, duplicates=len(rows) - inserted - skipped, skipped=skipped)
        log.debug("Batch written", rows=len(rows), inserted=inserted, skipped=skipped)
        total += written
    return total


class SeenRows:
    """The rows of earlier runs that this run has met, one bit for each ``id``."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def add(self, ids: Iterable[int]) -> int:
        """The number of rows that were not met before."""
        return sum(self._add(row_id) for row_id in ids)

    def _add(self, row_id: int) -> bool:
        page_number, bit = divmod(row_id, 8 * _PAGE_BYTES)
        page = self._pages.setdefault(page_number, bytearray(_PAGE_BYTES))
        mask = 1 << (bit & 7)
        is_new = not page[bit >> 3] & mask
        page[bit >> 3] |= mask
        return is_new


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


async def _older_rows(db: DatabaseInterface, table: str, rows: Sequence[Row]) -> list[int]:
    """The ids of the rows with the same keys that other runs wrote, told by their ``created_at``."""
    found = await db.fetch_all(
        f"SELECT id FROM {quote_table(table)} WHERE dedup_key = ANY($1) AND created_at <> $2",  # noqa: S608
        [[row["dedup_key"] for row in rows], rows[0]["created_at"]],
    )
    return [row["id"] for row in found]
