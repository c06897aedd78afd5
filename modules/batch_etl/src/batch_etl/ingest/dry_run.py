"""Where the rows and the rejects of a run that writes nothing go."""

import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

from batch_etl.ingest.outcome import Outcome
from platform_interfaces import Columns, FileSystemError, Reject


class DryRunWriter:
    """Remembers keys, in a temporary file once they are many, and no row."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE keys (key BLOB PRIMARY KEY) WITHOUT ROWID")

    async def write(self, parts: Sequence[Columns]) -> bytes:
        """Return the ``Outcome`` of each row, a byte for each, as if the table were empty.

        Raises:
            FileSystemError: when the temporary file cannot be written.
        """
        add = "INSERT OR IGNORE INTO keys VALUES (?)"
        keys = (_bindable(key) for part in parts for key in part.column(self._key))
        added = (self._database.execute(add, [key]).rowcount for key in keys)
        try:
            return bytes(Outcome.NOT_WRITTEN if count else Outcome.DUPLICATE for count in added)
        except sqlite3.Error as error:
            raise FileSystemError(explain_temporary_file(error)) from error

    async def find_mismatch(self, inserted: int) -> None:
        """Return None: nothing is stored."""

    def close(self) -> None:
        """Remove the file."""
        self._database.close()


class NoRejectWriter:
    """Takes what a ``RejectWriter`` takes, and leaves what earlier runs have rejected as it is."""

    def add(self, rejects: Iterable[Reject]) -> None:
        """Do nothing."""

    def complete(self, file: str) -> None:
        """Do nothing."""

    def discard(self) -> None:
        """Do nothing."""

    async def save(self) -> None:
        """Do nothing."""


def _bindable(key: Any) -> bytes | str:
    return key if isinstance(key, bytes | str) else str(key)  # an int may be longer than SQLite's


def explain_temporary_file(error: Exception) -> str:
    """Return what to do when the temporary file of the keys cannot be written."""
    return (
        f"a dry run remembers keys in a temporary file in {_temporary_directory()}, which cannot be "
        f"written: {error}: make room there, or set TMPDIR to a directory that has room"
    )


def _temporary_directory() -> str:
    try:
        return repr(tempfile.gettempdir())
    except OSError:  # there is none
        return "the directory for temporary files"
