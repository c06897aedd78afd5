"""How much of a load is in memory at once, and how long it waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The sizes and waits of a load; the defaults are for production, tests make them small."""

    chunk_lines: int = 200
    """So few that they stay in a processor's cache, and that writers need not wait long for their turn."""
    retry_chunk_bytes: int = 1024 * 1024
    """About, of rejected lines that are cleaned together."""
    batch_lines: int = 5_000
    """So many that round trips and the wait for the disk count for little; one transaction each."""
    batch_bytes: int = 4 * 1024 * 1024
    concurrent_batches: int = 3
    min_recent_keys: int = 50_000
    """More than all batches that are being written have: no two of them may have a key in common."""
    max_lines_without_valid: int = 10_000
    """Of a file; then it is not read further."""
    min_shard_bytes: int = 4 * 1024 * 1024
    max_shard_bytes: int = 64 * 1024 * 1024
    max_dry_shard_bytes: int = 12 * 1024 * 1024
    """The keys of a shard are sent in one message: a line has more bytes than its key."""
    min_bytes_for_auto: int = 64 * 1024 * 1024
    """Some seconds of work; starting workers takes a tenth of that."""
    lock_wait_seconds: float = 3600.0
    retry_seconds: float = 120.0
    """How long a batch is retried while the database is away."""
    index_seconds: float = 3600.0
    """How long a statement may take that reads all rows of a date: it builds an index."""
    attach_wait_seconds: float = 3.0
    """How long a new partition waits for the locks of others, who wait behind it; then it tries again."""
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 5.0


LIMITS = Limits()
"""The limits of a load in production."""
