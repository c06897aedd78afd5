"""The lines of a file, in chunks, in constant memory."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import NamedTuple

from batch_etl.reasons import MAX_LINE_BYTES
from platform_interfaces import (
    REJECTS_FOLDER,
    FileSystemError,
    FileSystemInterface,
    read_rejects,
)

KEPT_LINES, KEPT_BYTES = 1000, 1024 * 1024  # about, in a chunk

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
    r"""Lines of one file, without the ``\n`` that ends each; ``is_last`` when no more follow.

    ``is_cut``: the last line lacks its end. ``is_foreign``: the file has the mark of another encoding.
    """

    file: str
    lines: list[Line] = field(repr=False)
    is_last: bool = False
    is_cut: bool = False
    is_foreign: bool = False


async def read_raw_data(fs: FileSystemInterface, path: str) -> AsyncGenerator[Chunk, None]:
    r"""The lines of ``path``, in chunks of about a block of the file system; lines end at ``\n`` only.

    An overlong line is passed over without being held. The last chunk, which may be empty, says that it is.

    Raises:
        FileSystemError: when the file cannot be read, or not to its end.
    """
    open_line, cursor = _OpenLine(), _Cursor(path)
    async with aclosing(fs.stream(path)) as blocks:
        async for block in blocks:
            first, *others = block.split(b"\n")
            open_line.extend(first)
            if others:
                contents = [open_line.take(), *map(_limited, others[:-1])]
                open_line.extend(others[-1])
                yield cursor.take(contents)
    is_cut = open_line.size > 0
    yield cursor.take([open_line.take()] if is_cut else [], is_last=True, is_cut=is_cut)


async def read_kept_data(fs: FileSystemInterface, path: str) -> AsyncGenerator[Chunk, None]:
    """The lines kept in ``path``, with their places in the file that they were rejected from.

    Raises:
        FileSystemError: when what was kept cannot be read, or is not what we wrote.
    """
    file, lines, size = "", list[Line](), 0
    try:
        async with aclosing(read_rejects(fs, path)) as rejects:
            async for reject in rejects:
                file, content = reject.file, Overlong(0) if reject.raw is None else reject.raw
                lines.append(Line(reject.line, reject.offset, content))
                size += len(content)
                if size > KEPT_BYTES or len(lines) == KEPT_LINES:
                    yield Chunk(file, lines)
                    lines, size = [], 0
    except ValueError as error:
        raise FileSystemError(str(error)) from error
    yield Chunk(file, lines, is_last=True)


async def _list_raw(fs: FileSystemInterface, folder: str) -> list[str]:
    return await fs.list(folder)


async def _list_kept(fs: FileSystemInterface, folder: str) -> list[str]:
    return await fs.list(f"{REJECTS_FOLDER}/{folder}")


@dataclass(frozen=True)
class Input:
    """Where lines come from: how to list the files of a folder, and to read one of them."""

    list_files: Callable[[FileSystemInterface, str], Awaitable[list[str]]]
    read_file: Callable[[FileSystemInterface, str], AsyncGenerator[Chunk, None]]


RAW = Input(_list_raw, read_raw_data)
KEPT = Input(_list_kept, read_kept_data)


class _Cursor:
    """Where in a file the next chunk begins."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._number, self._offset, self._is_foreign = 1, 0, False

    def take(self, contents: list[bytes | Overlong], *, is_last: bool = False, is_cut: bool = False) -> Chunk:
        if self._number == 1 and contents:
            self._is_foreign = isinstance(contents[0], bytes) and contents[0].startswith(_FOREIGN_MARKS)
        return Chunk(self._path, list(map(self._place, contents)), is_last, is_cut, self._is_foreign)

    def _place(self, content: bytes | Overlong) -> Line:
        line = Line(self._number, self._offset, content)
        self._number += 1
        self._offset += len(content) + 1
        return line


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
