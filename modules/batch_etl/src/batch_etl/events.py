"""The cleaned event: its columns and its key, defined here and nowhere else."""

import datetime as dt
import hashlib
from typing import TypeAlias

from batch_etl.ingest import BYTES, JSON, TEXT

TABLE = "cleaned_events"
MIGRATION = "003_create_cleaned_events_table"
FIELDS = ("event_type", "payload", "source")
"""What a raw event has; other fields have no column."""
KEY = "dedup_key"
Digest: TypeAlias = "hashlib._Hash"


COLUMNS = {"event_type": TEXT, "payload": JSON, "source": TEXT, KEY: BYTES}
"""The columns of a cleaned event, but for ``event_date`` and ``created_at``, which a load has in common."""
CleanedEvent: TypeAlias = tuple[str, bytes, str, bytes]
"""The values of ``COLUMNS``: the normalised type, the canonical payload, the source and the key.

A bare tuple, for a named one costs a tenth of all that is done with a line.
"""


def begin_digest(event_type: str, event_date: dt.date | None) -> Digest:
    """Return the digest that the key of an event begins with; its canonical payload follows.

    The key is a SHA-256 of type, date and payload, because PostgreSQL refuses index entries over about
    2.7 kB, which ordinary payloads exceed.
    """
    return hashlib.sha256(f"{event_type}\0{event_date}\0".encode())


def compute_key(event_type: str, payload: bytes, event_date: dt.date | None) -> bytes:
    """Return the key of an event, 32 bytes, from its normalised type and its canonical payload."""
    digest = begin_digest(event_type, event_date)
    digest.update(payload)
    return digest.digest()
