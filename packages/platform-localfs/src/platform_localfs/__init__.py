"""Files on local disk: atomic, durable, confined to one root directory."""

from platform_localfs.filesystem import LocalFileSystem

__all__ = ["LocalFileSystem"]
