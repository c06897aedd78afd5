"""The lines of a file, in chunks, in constant memory."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from batch_etl.reasons import MAX_LINE_BYTES
from platform_interfaces import FileSystemInterface

# UTF-16 and UTF-32 in both byte orders; the latter two begin like these or with two zero bytes.
_FOREIGN_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass(frozen=True, slots=True)
class Overlong:
    """A line over ``MAX_LINE_BYTES``, which was passed over; ``size`` is in bytes."""

    size: int

    def __len__(self) -> int:
        """Its size, as that of the bytes it stands for."""
        return self.size


class Line(NamedTuple):
    """A line and its place in its file: ``number`` counts from 1, ``offset`` in bytes from 0."""

    number: int
    offset: int
    content: bytes | Overlong


@dataclass(frozen=True, slots=True)
class Chunk:
    r"""Consecutive lines of one file, without the ``\n`` that ends each.

    ``first_number`` counts from 1, ``first_offset`` in bytes from 0. Only the last line of a file may lack
    its end, ``is_cut`` then. ``is_foreign``: the file has the byte order mark of another encoding.
    """

    file: str
    lines: list[bytes | Overlong] = field(repr=False)
    first_number: int = 1
    first_offset: int = 0
    is_last: bool = False
    is_cut: bool = False
    is_foreign: bool = False

    def place_lines(self) -> Iterator[Line]:
        """Each line with its place in the file."""
        offset = self.first_offset
        for number, content in enumerate(self.lines, self.first_number):
            yield Line(number, offset, content)
            offset += len(content) + 1


async def read_raw_data(fs: FileSystemInterface, path: str) -> AsyncIterator[Chunk]:
    r"""The lines of ``path``, in chunks of about a block of the file system; lines end at ``\n`` only.

    An overlong line is passed over without being held. The last chunk, which may be empty, says that it is.

    Raises:
        FileSystemError: when the file cannot be read, or not to its end.
    """
    open_line, next_chunk = _OpenLine(), _Cursor(path)
    async for block in fs.stream(path):
        first, *others = block.split(b"\n")
        open_line.extend(first)
        if others:
            lines = [open_line.take(), *map(_limited, others[:-1])]
            open_line.extend(others[-1])
            yield next_chunk.take(lines)
    is_cut = open_line.size > 0
    yield next_chunk.take([open_line.take()] if is_cut else [], is_last=True, is_cut=is_cut)


class _Cursor:
    """Where in a file the next chunk begins."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._number, self._offset, self._is_foreign = 1, 0, False

    def take(self, lines: list[bytes | Overlong], *, is_last: bool = False, is_cut: bool = False) -> Chunk:
        if self._number == 1 and lines:
            self._is_foreign = isinstance(lines[0], bytes) and lines[0].startswith(_FOREIGN_MARKS)
        chunk = Chunk(self._path, lines, self._number, self._offset, is_last, is_cut, self._is_foreign)
        self._number += len(lines)
        self._offset += sum(map(len, lines)) + len(lines)
        return chunk


class _OpenLine:
    """A line whose end has not been read yet."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[bytes] = []

    def extend(self, part: bytes) -> None:
        self.size += len(part)
        if self.size <= MAX_LINE_BYTES:
            self._parts.append(part)
        else:
            self._parts.clear()

    def take(self) -> bytes | Overlong:
        line = b"".join(self._parts) if self.size <= MAX_LINE_BYTES else Overlong(self.size)
        self.size = 0
        self._parts = []
        return line


def _limited(line: bytes) -> bytes | Overlong:
    return line if len(line) <= MAX_LINE_BYTES else Overlong(len(line))
