"""The adapter new_adapter."""

from platform_new_adapter.database import NewAdapterDatabase
from platform_new_adapter.executor import NewAdapterExecutor
from platform_new_adapter.filesystem import NewAdapterFileSystem
from platform_new_adapter.logging import NewAdapterLogger
from platform_new_adapter.secrets import NewAdapterSecrets

__all__ = [
    # [database]
    "NewAdapterDatabase",
    # [end]
    # [executor]
    "NewAdapterExecutor",
    # [end]
    # [filesystem]
    "NewAdapterFileSystem",
    # [end]
    # [logging]
    "NewAdapterLogger",
    # [end]
    # [secrets]
    "NewAdapterSecrets",
    # [end]
]
