"""Which files, and parts of files, are loaded together."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from batch_etl.ingest.byte_ranges import WHOLE_FILE, ByteRange
from batch_etl.ingest.cleaner import Cleaner
from batch_etl.ingest.cleaning import ChunkCleaner
from batch_etl.ingest.compression import is_compressed
from batch_etl.ingest.limits import Limits
from batch_etl.ingest.lines import read_raw_lines
from batch_etl.ingest.record_format import RecordFormat
from batch_etl.ingest.source import SourceFiles
from platform_interfaces import FileSystemError, FileSystemInterface, Progress

SHARDS_OF_WORKER = 4
"""So many that workers end at about the same time, and a shard that is done twice costs little."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file, or the lines that begin in a range of its bytes; ``size`` is in bytes as they are stored."""

    path: str
    size: int
    within: ByteRange = WHOLE_FILE


@dataclass(frozen=True, slots=True)
class Shard:
    """Parts that one attempt loads, in the order of files and lines; ``number`` counts shards from 1."""

    number: int
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Return its bytes."""
        return sum(part.size for part in self.parts)

    def __str__(self) -> str:
        """Return what it reads, for people."""
        first, others = self.parts[0], len(self.parts) - 1
        more = f" and {others:,} more" if others else ""
        start = f" from byte {first.within.start:,}" if first.within.start else ""
        return f"shard {self.number} ({first.path!r}{start}{more})"


def choose_shard_bytes(total_bytes: int, workers: int, limits: Limits) -> int:
    """Return how large a shard is, so that each worker has some of them."""
    even = -(-total_bytes // (workers * SHARDS_OF_WORKER))
    return max(1, min(max(even, limits.min_shard_bytes), limits.max_shard_bytes))


async def plan_shards(
    found: SourceFiles,
    shard_bytes: int,
    find_split_format: Callable[[str], Awaitable[type[RecordFormat] | None]],
) -> list[Shard]:
    """Return shards of about ``shard_bytes``: small files together, large ones split where they can be."""
    parts = list[Part]()
    for path in found.files:
        size = found.sizes[path]
        record_format = await find_split_format(path) if size > shard_bytes else None
        if record_format:
            parts += _split(path, size, shard_bytes, record_format)
        else:
            parts.append(Part(path, size))
    return [Shard(number, tuple(each)) for number, each in enumerate(_group(parts, shard_bytes), 1)]


async def find_split_format(
    fs: FileSystemInterface, path: str, *, cleaner: Cleaner, limits: Limits, is_patient: bool
) -> type[RecordFormat] | None:
    """Return the format of a file whose parts can be read by themselves; None where they cannot.

    None of it may be abandoned, either. So its beginning is read: a file without a valid line among the first
    is abandoned by the attempt that has the whole of it, as it is in one process. With ``is_patient`` no file
    is abandoned.
    """
    try:
        if await is_compressed(fs.stream(path)):
            return None
    except FileSystemError:  # the attempt will report it
        return None
    rejected, chunk_cleaner = 0, ChunkCleaner(cleaner, limits.min_recent_keys)
    async with aclosing(read_raw_lines(fs, path, limits, Progress())) as chunks:
        async for chunk in chunks:
            if not chunk.format.has_independent_lines:
                return None
            cleaned = chunk_cleaner.clean(chunk)
            if is_patient or cleaned.has_valid:
                return type(chunk.format)
            rejected += len(cleaned.rejects)
            if rejected >= limits.max_lines_without_valid:
                return None
    return None


def _split(path: str, size: int, shard_bytes: int, record_format: type[RecordFormat]) -> Iterator[Part]:
    count = -(-size // shard_bytes)
    for index in range(count):
        start, end = size * index // count, size * (index + 1) // count
        # The last goes on to where the file ends when it is read, as a whole file does.
        until = None if index == count - 1 else end
        yield Part(path, end - start, ByteRange(start, until, record_format))


def _group(parts: Iterable[Part], shard_bytes: int) -> Iterator[list[Part]]:
    group, size = list[Part](), 0
    for part in parts:
        if group and size + part.size > shard_bytes:
            yield group
            group, size = [], 0
        group.append(part)
        size += part.size
    if group:
        yield group
