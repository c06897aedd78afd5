"""A part of a file, as a range of its bytes: it owns the lines that begin in it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from batch_etl.ingest.compression import decompress_file
from batch_etl.ingest.record_format import RecordFormat
from platform_interfaces import FileSystemInterface, Progress


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes of a file from ``start``, counted from 0, to before ``end``; None is the end of the file.

    Only a file that is not compressed can have several. They have its ``record_format``, which the first line
    of the file shows; None where the range begins with that.
    """

    start: int = 0
    end: int | None = None
    record_format: type[RecordFormat] | None = None

    @property
    def first_number(self) -> int:
        """Return the number of its first line: 1 in the first range only, for line 1 may have a mark.

        Which line that is of the whole file is known once the lines before it are counted.
        """
        return 2 if self.start else 1


WHOLE_FILE = ByteRange()


class RangeReader:
    """Reads the lines of a range, and no others.

    Attributes:
        line_start: the offset of the first line, once there is a block.
    """

    def __init__(self, fs: FileSystemInterface, path: str, within: ByteRange, progress: Progress) -> None:
        self._fs, self._path, self._range, self._progress = fs, path, within, progress
        self.line_start = 0

    async def read(self) -> AsyncGenerator[bytes, None]:
        """Yield the lines, with their ends, in blocks; a file that is read from its start, decompressed.

        Raises:
            FileSystemError: what ``decompress_file`` raises.
        """
        start = self._range.start
        position = self.line_start = max(start - 1, 0)  # whether a line begins at start, the byte before says
        if start:
            blocks, is_before = self._stream(position), True
        else:
            blocks, is_before = decompress_file(self._path, self._stream(0)), False
        async with aclosing(blocks):
            async for block in blocks:
                if is_before:
                    is_before = b"\n" not in block
                    skipped = len(block) if is_before else block.index(b"\n") + 1
                    position = self.line_start = position + skipped
                    block = block[skipped:]
                end = self._find_end(position, block)
                if block[:end]:
                    yield block[:end]
                if end is not None:
                    return
                position += len(block)

    async def _stream(self, offset: int) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._fs.stream(self._path, offset=offset)) as blocks:
            async for block in blocks:
                self._progress.read_bytes += len(block)
                yield block

    def _find_end(self, position: int, block: bytes) -> int | None:
        """Return where the range ends in the block at ``position``; None where it goes on behind it."""
        end = self._range.end
        if end is None or position + len(block) < end:
            return None
        if self.line_start >= end:
            return 0
        return block.find(b"\n", max(end - 1 - position, 0)) + 1 or None
