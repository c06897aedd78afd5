"""The table's stand-in for a run that writes nothing."""

import sqlite3
from collections.abc import Sequence

from batch_etl.transformer import Event
from batch_etl.writer import Written


class DryRun:
    """Stands in for the table: remembers the keys, in a temporary file once they are many, and no event."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE keys (key TEXT PRIMARY KEY) WITHOUT ROWID")

    async def write(self, events: Sequence[Event]) -> Written:
        """What a new table would say of the events, without inserting them."""
        keys = [(event["dedup_key"],) for event in events]
        new = (
            self._database.executemany("INSERT OR IGNORE INTO keys VALUES (?)", keys).rowcount if keys else 0
        )
        return Written(duplicates=len(events) - new)

    async def count_written(self) -> None:
        """Nothing: there is no table to ask."""

    def close(self) -> None:
        """Remove the file."""
        self._database.close()
