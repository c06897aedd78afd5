"""Cleaned events into the table, each exactly once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batch_etl.job import Job
from batch_etl.json_text import dump_canonical
from batch_etl.transformer import Event
from platform_interfaces import DatabaseInterface, DataError, JsonText, LoggingInterface, Row, quote_table

_PAGE_BYTES = 4096


@dataclass(frozen=True)
class Written:
    """What became of some events: numbers of rows, and the keys of those that the database refuses."""

    inserted: int = 0
    duplicates: int = 0  # this run has met the same event before
    skipped: int = 0  # the same event was in the table before this run
    refused: frozenset[str] = frozenset()

    def __add__(self, other: Written) -> Written:
        """Both together."""
        return Written(
            self.inserted + other.inserted,
            self.duplicates + other.duplicates,
            self.skipped + other.skipped,
            self.refused | other.refused,
        )


async def write_to_db(
    db: DatabaseInterface, log: LoggingInterface, job: Job, seen: SeenRows, events: Sequence[Event]
) -> Written:
    """Insert the events that the target table does not have yet, one batch after the other.

    Each batch is kept whole or not at all, and writing it again changes nothing. When the database refuses
    a value, the batch is halved until the row is found, and the others are kept.

    Args:
        db: connected; the table is shaped like ``cleaned_events``: an integer ``id``, ``dedup_key`` unique.
        log: told the progress, at debug level, and what was refused.
        job: the table, the size of a batch, and the ``created_at`` of its rows.
        seen: the older rows that this run has met; added to.
        events: transformed and deduplicated.
    """
    table, size = job.target_table, job.batch_size
    total, pending = Written(), [events[start : start + size] for start in range(0, len(events), size)]
    pending.reverse()
    while pending:
        batch = pending.pop()
        try:
            written = await _write_batch(db, table, batch, seen)
        except DataError as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                pending += [batch[middle:], batch[:middle]]
                continue
            log.warn("Row refused", reason=str(error))
            written = Written(refused=frozenset([batch[0]["dedup_key"]]))
        log.debug("Batch written", rows=len(batch), inserted=written.inserted, skipped=written.skipped)
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


async def _write_batch(db: DatabaseInterface, table: str, events: Sequence[Event], seen: SeenRows) -> Written:
    rows = [_row(event) for event in events]
    inserted = await db.bulk_insert(table, rows, skip_conflicts_on=["dedup_key"])
    skipped = 0
    if inserted < len(rows):
        skipped = seen.add(await _older_rows(db, table, rows))
    return Written(inserted, duplicates=len(rows) - inserted - skipped, skipped=skipped)


async def _older_rows(db: DatabaseInterface, table: str, rows: Sequence[Row]) -> list[int]:
    """The ids of the rows with the same keys that other runs wrote, told by their ``created_at``."""
    found = await db.fetch_all(
        f"SELECT id FROM {quote_table(table)} WHERE dedup_key = ANY($1) AND created_at <> $2",  # noqa: S608
        [[row["dedup_key"] for row in rows], rows[0]["created_at"]],
    )
    return [row["id"] for row in found]
