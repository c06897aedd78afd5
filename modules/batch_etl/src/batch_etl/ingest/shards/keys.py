"""The keys of the rows of a dry run, of which each attempt has some: how many different ones there are."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from tempfile import TemporaryFile
from typing import Any

from batch_etl.ingest.dry_run import explain_temporary_file
from batch_etl.ingest.outcome import Outcome
from platform_interfaces import Columns, FileSystemError, PlatformError

KEY_BYTES = 32
BUCKETS = 256
MAX_KEY_BYTES = 13 * 1024 * 1024
"""Of a collector: they are returned in one message."""


class OversizeShardError(PlatformError):
    """What a dry run of a shard finds does not fit into a message."""


class KeyCollector:
    """Takes rows, and keeps their keys: those that are digests as they are, and digests of others."""

    def __init__(self, key: str, flush: Callable[[list[bytes]], None] | None = None) -> None:
        """Take the column of the key, and who takes the keys when they are many."""
        self._key, self._keys, self._flush = key, set[bytes](), flush

    async def write(self, parts: Sequence[Columns]) -> bytes:
        """Return the ``Outcome`` of each row, a byte for each, as if the table were empty.

        Args:
            parts: rows, each with a key of its own.

        Raises:
            OversizeShardError: when there are too many keys, and there is no ``flush``.
        """
        keys = [_digest(key) for part in parts for key in part.column(self._key)]
        found = self._keys.intersection(keys)
        self._keys.update(keys)
        if len(self._keys) * KEY_BYTES > MAX_KEY_BYTES:
            if self._flush is None:
                raise OversizeShardError(f"{len(self._keys):,} keys are too many for one message")
            self._flush(self.take())
        return bytes(Outcome.DUPLICATE if key in found else Outcome.NOT_WRITTEN for key in keys)

    async def finish(self) -> int:
        """Return 0: what other attempts have is not known here."""
        return 0

    async def find_mismatch(self, inserted: int) -> None:
        """Return None: nothing is stored."""

    def take(self) -> list[bytes]:
        """Return the keys, those with the same first byte together, and keep them no longer."""
        buckets = [list[bytes]() for _ in range(BUCKETS)]
        for key in self._keys:
            buckets[key[0]].append(key)
        self._keys.clear()
        return [b"".join(bucket) for bucket in buckets]


class KeyStore:
    """The keys of all attempts, in a temporary file."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed by close
        self._pieces = [list[tuple[int, int]]() for _ in range(BUCKETS)]
        self._end = 0

    def add(self, buckets: Iterable[bytes]) -> None:
        """Add what a collector has taken.

        Raises:
            FileSystemError: when the temporary file cannot be written.
        """
        try:
            for pieces, bucket in zip(self._pieces, buckets, strict=True):
                pieces.append((self._end, len(bucket)))
                self._end += self._file.write(bucket)
        except OSError as error:
            raise FileSystemError(explain_temporary_file(error)) from error

    def count(self) -> int:
        """Return how many keys differ; a small share of them is in memory at a time."""
        return sum(len(self._read(pieces)) for pieces in self._pieces)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def _read(self, pieces: Sequence[tuple[int, int]]) -> set[bytes]:
        keys = set[bytes]()
        for start, size in pieces:
            self._file.seek(start)
            data = self._file.read(size)
            keys.update(data[index : index + KEY_BYTES] for index in range(0, size, KEY_BYTES))
        return keys


def _digest(key: Any) -> bytes:
    if type(key) is bytes and len(key) == KEY_BYTES:
        return key
    text = key if isinstance(key, bytes) else str(key).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=KEY_BYTES).digest()
