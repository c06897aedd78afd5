"""The table's stand-in for a run that writes nothing."""

import sqlite3
from collections.abc import Mapping, Sequence

from batch_etl.transformer import Event
from batch_etl.writer import Outcome


class DryRun:
    """Stands in for the table: remembers the keys, in a temporary file once they are many, and no event."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE keys (key BLOB PRIMARY KEY) WITHOUT ROWID")

    async def write(self, events: Sequence[Event]) -> Mapping[bytes, Outcome]:
        """What a new table would say of the events: which are duplicates."""
        add = "INSERT OR IGNORE INTO keys VALUES (?)"
        keys = [event["dedup_key"] for event in events]
        return {
            key: Outcome.LEFT_OUT if self._database.execute(add, [key]).rowcount else Outcome.DUPLICATE
            for key in keys
        }

    async def count_written(self) -> None:
        """Nothing: there is no table to ask."""

    def close(self) -> None:
        """Remove the file."""
        self._database.close()
