"""The lines of a file, in chunks, in constant memory."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TypeAlias, overload

from batch_etl.ingest.byte_ranges import WHOLE_FILE, ByteRange, RangeReader
from batch_etl.ingest.codes import MAX_LINE_BYTES
from batch_etl.ingest.formats import find_format
from batch_etl.ingest.limits import Limits
from batch_etl.ingest.record_format import RecordFormat
from platform_interfaces import FileSystemError, FileSystemInterface, Progress, StorageUnreachableError

START_BYTES = 64 * 1024  # of a line that is passed over, to see what it is


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line over ``MAX_LINE_BYTES``, which was passed over: its ``size`` in bytes, and its ``start``."""

    size: int
    start: bytes = field(default=b"", compare=False, repr=False)

    def __len__(self) -> int:
        """Return its size, as that of the bytes it stands for."""
        return self.size


Line: TypeAlias = bytes | LongLine


@dataclass(frozen=True, slots=True)
class Chunk:
    r"""Lines of one file, without the ``\n`` that ends each.

    A line is at the same index in ``lines``, in ``numbers``, which count from 1, and in ``offsets``, in bytes
    from 0.

    Attributes:
        format: decodes the lines.
        header: the line that it needs for that.
        is_last: whether no more chunks of the file follow.
        is_truncated: whether the last line lacks its end.
        failure: why the rest of the file could not be read; only the last chunk has one.
        is_abandoned: whether the rest of the file is not read, for none of many lines was valid.
    """

    file: str
    format: RecordFormat
    lines: Sequence[Line] = field(default=(), repr=False)
    numbers: Sequence[int] = field(default=(), repr=False)
    offsets: Sequence[int] = field(default=(), repr=False)
    header: bytes | None = None
    is_last: bool = False
    is_truncated: bool = False
    failure: FileSystemError | None = None
    is_abandoned: bool = False

    @property
    def size(self) -> int:
        """Return the number of bytes, the end of each line being one."""
        return sum(map(len, self.lines)) + len(self.lines)


async def read_raw_lines(
    fs: FileSystemInterface,
    path: str,
    limits: Limits,
    progress: Progress,
    within: ByteRange = WHOLE_FILE,
) -> AsyncGenerator[Chunk, None]:
    r"""Yield the lines of ``path``, at most ``chunk_lines`` in a chunk; lines end at ``\n`` only.

    A file that begins as gzip or zstd data is decompressed first; positions are those in its content.
    The bytes that are read, as they are stored, are added to ``progress``.
    A line that is too long is passed over without being held. The last chunk says that it is, and why the
    rest could not be read; it is empty only where there are no lines. The lines of a range are numbered from
    its ``first_number`` on.

    Raises:
        StorageUnreachableError: when the storage itself does not answer, not this file alone.
    """
    reader = RangeReader(fs, path, within, progress)
    open_line, splitter = _OpenLine(), _Splitter(path, limits.chunk_lines, reader, within)
    ready = Chunk(path, find_format(path, b"")())
    failure: FileSystemError | None = None
    try:
        async with aclosing(reader.read()) as blocks:
            async for block in blocks:
                for chunk in splitter.split(open_line.complete(block)):
                    if ready.lines:
                        yield ready  # the last is held back, to say that it is
                    ready = chunk
    except StorageUnreachableError:  # the other files would each wait for it in vain
        raise
    except FileSystemError as error:
        failure = error
    is_truncated = failure is None and open_line.size > 0
    if is_truncated:
        for chunk in splitter.split([open_line.take()]):
            if ready.lines:
                yield ready
            ready = chunk
    yield replace(ready, is_last=True, is_truncated=is_truncated and bool(ready.lines), failure=failure)


def abandon(chunk: Chunk) -> Chunk:
    """Return the last chunk of a file that is not read further, to follow ``chunk``."""
    return Chunk(chunk.file, chunk.format, is_last=True, is_abandoned=True)


class _Splitter:
    """Splits lines into chunks, and knows where in the file the next one begins."""

    def __init__(self, path: str, chunk_lines: int, reader: RangeReader, within: ByteRange) -> None:
        self._path, self._chunk_lines, self._reader, self._range = path, chunk_lines, reader, within
        self._format: RecordFormat | None = None
        self._header: bytes | None = None
        self._number, self._offset = within.first_number, 0

    def split(self, lines: Sequence[Line]) -> Iterator[Chunk]:
        """Yield the chunks of some more lines."""
        if self._format is None and lines:
            lines = self._open(lines)
        for start in range(0, len(lines), self._chunk_lines):
            yield self._make_chunk(lines[start : start + self._chunk_lines])

    def _open(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Choose the format by the first line of the file, and return the lines without the header."""
        self._offset = self._reader.line_start
        first = lines[0] if isinstance(lines[0], bytes) else lines[0].start
        format_class = self._range.record_format or find_format(self._path, first)
        if not format_class.has_header:
            self._format = format_class()
            return lines
        self._header = first.removeprefix(b"\xef\xbb\xbf")
        self._format = format_class(self._header)
        self._number, self._offset = 2, len(lines[0]) + 1
        return lines[1:]

    def _make_chunk(self, lines: Sequence[Line]) -> Chunk:
        if self._format is None:
            raise ValueError("a file without lines has no chunks")
        numbers = range(self._number, self._number + len(lines))
        offsets = _Offsets(self._offset, lines)
        chunk = Chunk(self._path, self._format, lines, numbers, offsets, self._header)
        self._number = numbers.stop
        self._offset += chunk.size
        return chunk


class _Offsets(Sequence[int]):
    """Byte offsets of successive lines, computed on demand: only rejects need them."""

    def __init__(self, first: int, lines: Sequence[Line]) -> None:
        self._first, self._lines = first, lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[each] for each in range(len(self))[index]]
        index = range(len(self))[index]
        return self._first + sum(map(len, self._lines[:index])) + index


class _OpenLine:
    """A line whose end has not been read yet."""

    def __init__(self) -> None:
        self.size, self._start = 0, b""
        self._parts: list[bytes] = []

    def complete(self, block: bytes) -> list[Line]:
        """Return the lines that end in the next block; the rest of it is the open line."""
        first, *others = block.split(b"\n")
        self._extend(first)
        if not others:
            return []
        *whole, rest = others
        is_any_too_long = max(map(len, whole), default=0) > MAX_LINE_BYTES
        lines = [self.take(), *(map(_limit, whole) if is_any_too_long else whole)]
        self._extend(rest)
        return lines

    def take(self) -> Line:
        """Return the line as it is; the next one begins."""
        line = b"".join(self._parts) if self.size <= MAX_LINE_BYTES else LongLine(self.size, self._start)
        self.size, self._start = 0, b""
        self._parts = []
        return line

    def _extend(self, part: bytes) -> None:
        self.size += len(part)
        if self.size <= MAX_LINE_BYTES:
            self._parts.append(part)
        else:
            if not self._start:
                parts = (self._parts or [part])[:16]  # a few are enough, and copying all would take memory
                self._start = b"".join(each[:START_BYTES] for each in parts)[:START_BYTES]
            self._parts.clear()


def _limit(line: bytes) -> Line:
    return line if len(line) <= MAX_LINE_BYTES else LongLine(len(line), line[:START_BYTES])
