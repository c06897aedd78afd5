"""A few rows at the end of a terminal that are redrawn; all else is written above them.

It is not rich's ``Live``, because that hides the cursor, which a killed process cannot show again, and
renders its rows once more for each line that is logged.
"""

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, TextIO


class LiveBlock:
    """Draws what ``render`` returns, lines with their ends, below what is written to its streams.

    The cursor stands at the beginning of the row below them, as a shell finds it, however the process ends.
    """

    def __init__(self, terminal: TextIO, render: Callable[[], str]) -> None:
        self.terminal, self._render = terminal, render
        self._lock = threading.RLock()
        self._rows = ""

    def refresh(self) -> None:
        """Draw the rows as they are now."""
        rows = self._render()
        with self._lock:
            self._draw("", rows)

    def write_above(self, lines: str) -> None:
        """Write whole lines above the rows."""
        with self._lock:
            self._draw(lines, self._rows)

    def clear(self) -> None:
        """Remove the rows."""
        with self._lock:
            self._draw("", "")

    def _draw(self, above: str, rows: str) -> None:
        height = self._rows.count("\n")
        # To the first column, up, and clear to the end of the screen: ECMA-48, all terminals know these.
        erase = f"\r\x1b[{height}A\x1b[J" if height else ""
        self._rows = rows
        if text := erase + above + rows:
            self.terminal.write(text)
            self.terminal.flush()


class _Above(io.TextIOBase):
    """A stream whose lines are written above a block; a line without its end waits for it."""

    def __init__(self, block: LiveBlock) -> None:
        self._block = block
        self._lock = threading.Lock()
        self._open_line = ""

    def write(self, text: str) -> int:
        with self._lock:
            lines, end, self._open_line = (self._open_line + text).rpartition("\n")
        if end:
            self._block.write_above(lines + end)
        return len(text)

    def finish(self) -> None:
        """Write a line that still lacks its end."""
        if self._open_line:
            self._block.write_above(f"{self._open_line}\n")

    @property
    def encoding(self) -> str:  # type: ignore[override] # that of a TextIOBase may be None
        return self._block.terminal.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._block.terminal.errors

    @property
    def buffer(self) -> BinaryIO:
        return self._block.terminal.buffer

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._block.terminal.fileno()


@contextmanager
def write_above(block: LiveBlock) -> Iterator[None]:
    """Return a block in which the standard streams that are terminals write above ``block``."""
    before = sys.stdout, sys.stderr
    above = {name: _Above(block) for name in ("stdout", "stderr") if _is_terminal(getattr(sys, name))}
    for name, stream in above.items():
        setattr(sys, name, stream)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        with suppress(OSError, ValueError):  # the terminal is gone
            block.clear()
            for stream in above.values():
                stream.finish()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()
