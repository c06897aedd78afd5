"""The lines of a file, in chunks, in constant memory."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TypeAlias, overload

from batch_etl.compression import decompressed
from batch_etl.reasons import MAX_LINE_BYTES
from platform_interfaces import (
    FileSystemError,
    FileSystemInterface,
    Reject,
    read_rejects,
    rejects_path,
)

# So few that they stay in a processor's cache meanwhile, and that writers need not wait long for their turn.
CHUNK_LINES = 200
START_BYTES = 64 * 1024  # of a line that is passed over, to see what it is
KEPT_BYTES = 1024 * 1024  # about, in a chunk

# UTF-16 and UTF-32 in both byte orders; the latter two begin like these or with two zero bytes.
_FOREIGN_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass(frozen=True, slots=True)
class Overlong:
    """A line over ``MAX_LINE_BYTES``, which was passed over: its ``size`` in bytes, and its ``start``."""

    size: int
    start: bytes = field(default=b"", compare=False, repr=False)

    def __len__(self) -> int:
        """Its size, as that of the bytes it stands for."""
        return self.size


Content: TypeAlias = bytes | Overlong


@dataclass(frozen=True, slots=True)
class Chunk:
    r"""Lines of one file, without the ``\n`` that ends each; ``is_last`` when no more follow.

    A line is at the same index in ``lines``, in ``numbers``, which count from 1, and in ``offsets``, in bytes
    from 0. ``is_cut``: the last line lacks its end. ``is_foreign``: the file has another encoding's mark.
    """

    file: str
    lines: Sequence[Content] = field(default=(), repr=False)
    numbers: Sequence[int] = field(default=(), repr=False)
    offsets: Sequence[int] = field(default=(), repr=False)
    is_last: bool = False
    is_cut: bool = False
    is_foreign: bool = False

    @property
    def size(self) -> int:
        """Bytes, of which each line's end is one."""
        return sum(map(len, self.lines)) + len(self.lines)

    def line(self, index: int) -> "Chunk":
        """The chunk of that line alone."""
        here = slice(index, index + 1)
        return replace(
            self,
            lines=self.lines[here],
            numbers=self.numbers[here],
            offsets=self.offsets[here],
            is_cut=self.is_cut and index == len(self.lines) - 1,
        )


async def read_raw_data(fs: FileSystemInterface, path: str) -> AsyncGenerator[Chunk, None]:
    r"""The lines of ``path``, ``CHUNK_LINES`` at most in a chunk; lines end at ``\n`` only.

    A file that begins as gzip or zstd data is decompressed first; positions are those in its content.
    An overlong line is passed over without being held. The last chunk says that it is; it is empty only for
    an empty file.

    Raises:
        FileSystemError: when the file cannot be read, or not to its end.
    """
    open_line, cursor = _OpenLine(), _Cursor(path)
    ready: Chunk | None = None  # held back, for it may be the last
    try:
        async with aclosing(decompressed(path, fs.stream(path))) as blocks:
            async for block in blocks:
                first, *others = block.split(b"\n")
                open_line.extend(first)
                if others:
                    *whole, rest = others
                    is_any_overlong = max(map(len, whole), default=0) > MAX_LINE_BYTES
                    lines = [open_line.take(), *(map(_limited, whole) if is_any_overlong else whole)]
                    open_line.extend(rest)
                    for chunk in cursor.take(lines):
                        if ready:
                            yield ready
                        ready = chunk
    except FileSystemError:
        if ready:
            yield ready
        raise
    if is_cut := open_line.size > 0:
        if ready:
            yield ready
        [ready] = cursor.take([open_line.take()])
    yield replace(ready or Chunk(path), is_last=True, is_cut=is_cut)


async def read_kept_data(fs: FileSystemInterface, path: str) -> AsyncGenerator[Chunk, None]:
    """The lines kept in ``path``, with their places in the files that they were rejected from.

    Raises:
        FileSystemError: when what was kept cannot be read; and after all else, when a line is no reject.
    """
    kept, size, changed = list[Reject](), 0, ""
    try:
        async with aclosing(read_rejects(fs, path)) as rejects:
            async for reject in rejects:
                is_of_next = bool(kept) and reject.file != kept[0].file
                # Only now, for the last chunk of a file says that it is the last.
                if is_of_next or size > KEPT_BYTES or len(kept) == CHUNK_LINES:
                    yield _chunk_of(kept, is_last=is_of_next)
                    kept, size = [], 0
                kept.append(reject)
                size += len(reject.raw or b"")
    except ValueError as error:
        changed = str(error)
    if kept:
        yield _chunk_of(kept, is_last=True)
    if changed:
        raise FileSystemError(changed)


def _chunk_of(kept: Sequence[Reject], *, is_last: bool) -> Chunk:
    codes = [{reason.code for reason in reject.reasons} for reject in kept]
    return Chunk(
        kept[0].file,
        [Overlong(0) if reject.raw is None else reject.raw for reject in kept],
        [reject.line for reject in kept],
        [reject.offset for reject in kept],
        is_last,
        # What the whole file told of its lines is known by their reasons only.
        is_cut="truncated_line" in codes[-1],
        is_foreign=any("wrong_encoding" in code for code in codes),
    )


async def _list_raw(fs: FileSystemInterface, folder: str) -> list[str]:
    return await fs.list(folder)


async def _list_kept(fs: FileSystemInterface, folder: str) -> list[str]:
    path = rejects_path(folder)
    return [path] if await fs.exists(path) else []


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

    def take(self, lines: Sequence[Content]) -> Iterator[Chunk]:
        for start in range(0, len(lines), CHUNK_LINES):
            yield self._chunk(lines[start : start + CHUNK_LINES])

    def _chunk(self, lines: Sequence[Content]) -> Chunk:
        if self._number == 1 and lines:
            first = lines[0] if isinstance(lines[0], bytes) else lines[0].start
            self._is_foreign = first.startswith(_FOREIGN_MARKS)
        numbers = range(self._number, self._number + len(lines))
        chunk = Chunk(self._path, lines, numbers, _Offsets(self._offset, lines), is_foreign=self._is_foreign)
        self._number = numbers.stop
        self._offset += chunk.size
        return chunk


class _Offsets(Sequence[int]):
    """Those of lines that follow one another, told when asked for, for few lines are rejected."""

    def __init__(self, first: int, lines: Sequence[Content]) -> None:
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

    def extend(self, part: bytes) -> None:
        self.size += len(part)
        if self.size <= MAX_LINE_BYTES:
            self._parts.append(part)
        else:
            if not self._start:
                parts = (self._parts or [part])[:16]  # a few are enough, and copying all would take memory
                self._start = b"".join(each[:START_BYTES] for each in parts)[:START_BYTES]
            self._parts.clear()

    def take(self) -> Content:
        line = b"".join(self._parts) if self.size <= MAX_LINE_BYTES else Overlong(self.size, self._start)
        self.size, self._start = 0, b""
        self._parts = []
        return line


def _limited(line: bytes) -> Content:
    return line if len(line) <= MAX_LINE_BYTES else Overlong(len(line), line[:START_BYTES])
