"""A file, block by block."""

import os
from io import FileIO

BLOCK_BYTES = 1024 * 1024


class Reader:
    """A file that is read block by block; ``size`` is its bytes at the opening. Its calls block."""

    def __init__(self, file: FileIO, offset: int) -> None:
        """Take over the file, to read it from ``offset`` on."""
        self._file = file
        before = os.fstat(file.fileno())
        self.size, self._before_mtime_ns = before.st_size, before.st_mtime_ns
        self._position = file.seek(min(offset, self.size))
        self.is_at_end = False
        self.is_changed = False  # known at the end

    def read(self) -> bytes:
        """Return the next block; after the last one, which may be empty, the file is closed."""
        block = self._file.read(BLOCK_BYTES)
        self._position += len(block)
        if len(block) < BLOCK_BYTES:  # a regular file gives as much as it has
            after = os.fstat(self._file.fileno())
            is_same = (self._position, self._before_mtime_ns) == (after.st_size, after.st_mtime_ns)
            self.is_at_end, self.is_changed = True, not is_same
            self.close()
        return block

    def close(self) -> None:
        """Close the file."""
        self._file.close()
