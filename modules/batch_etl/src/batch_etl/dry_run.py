"""The table's stand-in for a run that writes nothing."""

import sqlite3
import tempfile
from collections.abc import Sequence

from batch_etl.writer import Outcome
from platform_interfaces import Columns, FileSystemError


class DryRun:
    """Stands in for the table: remembers the keys, in a temporary file once they are many, and no event."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE keys (key BLOB PRIMARY KEY) WITHOUT ROWID")

    async def write(self, parts: Sequence[Columns]) -> bytes:
        """What a new table would say of the events, an ``Outcome`` a byte: which are duplicates.

        Raises:
            FileSystemError: when the temporary file cannot be written.
        """
        add = "INSERT OR IGNORE INTO keys VALUES (?)"
        added = (
            self._database.execute(add, [key]).rowcount for part in parts for key in part.column("dedup_key")
        )
        try:
            return bytes(Outcome.LEFT_OUT if count else Outcome.DUPLICATE for count in added)
        except sqlite3.Error as error:
            raise FileSystemError(
                f"a dry run remembers keys in a temporary file in {_temporary_directory()}, which cannot be "
                f"written: {error}: make room there, or set TMPDIR to a directory that has room"
            ) from error

    async def count_written(self) -> None:
        """Nothing: there is no table to ask."""

    def close(self) -> None:
        """Remove the file."""
        self._database.close()


def _temporary_directory() -> str:
    try:
        return repr(tempfile.gettempdir())
    except OSError:  # there is none
        return "the directory for temporary files"
