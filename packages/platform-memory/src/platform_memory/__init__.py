"""Every interface in memory: no server, no file, no thread, no port."""

from typing import TYPE_CHECKING

from platform_memory.filesystem import MemoryFileSystem
from platform_memory.logger import MemoryLogger
from platform_memory.secrets import MemorySecrets

if TYPE_CHECKING:
    from platform_memory.database import MemoryDatabase

__all__ = ["MemoryDatabase", "MemoryFileSystem", "MemoryLogger", "MemorySecrets"]


def __getattr__(name: str) -> object:
    """Import the database, and DuckDB with it, on first access: the other adapters do without."""
    if name != "MemoryDatabase":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from platform_memory.database import MemoryDatabase

    return MemoryDatabase
