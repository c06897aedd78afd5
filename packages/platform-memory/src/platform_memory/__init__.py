"""Every interface in memory: no server, no file, no thread, no port."""

from typing import TYPE_CHECKING

from platform_memory.filesystem import MemoryFileSystem
from platform_memory.logger import LogEvent, MemoryLogger
from platform_memory.secrets import MemorySecrets

if TYPE_CHECKING:
    from platform_memory.database import MemoryDatabase

__all__ = ["LogEvent", "MemoryDatabase", "MemoryFileSystem", "MemoryLogger", "MemorySecrets"]


def __getattr__(name: str) -> object:
    """Import the database, and DuckDB with it, when it is asked for: the others do without."""
    if name != "MemoryDatabase":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from platform_memory.database import MemoryDatabase

    return MemoryDatabase
