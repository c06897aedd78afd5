"""A file, block by block."""

import os
from collections.abc import Callable
from io import FileIO

BLOCK_BYTES = 1024 * 1024


class Reader:
    """What is being read of a file.

    A small file is opened, read, checked and closed in one step, for a day may have many of them, and each
    step is a wait for a thread.
    """

    def __init__(self, open_file: Callable[[], FileIO]) -> None:
        """Nothing is opened yet."""
        self._open = open_file
        self._file: FileIO | None = None
        self._size, self._before_mtime_ns = 0, 0
        self.is_at_end = False
        self.is_changed = False  # told at the end

    def read(self) -> bytes:
        """The next block; after the last one, which may be empty, the file is closed. Blocks."""
        if self._file is None:
            self._file = self._open()
            self._before_mtime_ns = os.fstat(self._file.fileno()).st_mtime_ns
        block = self._file.read(BLOCK_BYTES)
        self._size += len(block)
        if len(block) < BLOCK_BYTES:  # a regular file gives as much as it has
            after = os.fstat(self._file.fileno())
            self.is_changed = (self._size, self._before_mtime_ns) != (after.st_size, after.st_mtime_ns)
            self.is_at_end = True
            self.close()
        return block

    def close(self) -> None:
        """Let go of the file, wherever it was read to."""
        if self._file is not None:
            self._file.close()
