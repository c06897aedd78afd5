"""The lines of a file, in chunks, in constant memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from platform_interfaces import FileSystemInterface

MAX_LINE_BYTES = 16 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive lines of one file, without their line ends; None stands for one over ``MAX_LINE_BYTES``."""

    file: str
    first_number: int  # counted from 1
    lines: list[bytes | None]


async def read_raw_data(fs: FileSystemInterface, path: str) -> AsyncIterator[Chunk]:
    r"""The lines of ``path``, in chunks of about a block of the file system; lines end at ``\n`` only.

    An overlong line is passed over without being held. A byte order mark at the start is left out.

    Raises:
        FileSystemError: when the file cannot be read, or not to its end.
    """
    number, open_line = 1, _OpenLine()
    async for block in fs.stream(path):
        first, *others = block.split(b"\n")
        open_line.extend(first)
        if not others:
            continue
        lines = [open_line.take(), *others[:-1]]
        open_line.extend(others[-1])
        yield _chunk(path, number, lines)
        number += len(lines)
    if open_line.size:
        yield _chunk(path, number, [open_line.take()])


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

    def take(self) -> bytes | None:
        line = b"".join(self._parts) if self.size <= MAX_LINE_BYTES else None
        self.size = 0
        self._parts = []
        return line


def _chunk(path: str, number: int, lines: list[bytes | None]) -> Chunk:
    if number == 1 and lines[0] is not None:
        lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
    return Chunk(path, number, lines)
