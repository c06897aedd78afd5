"""Schema migrations on ``DatabaseInterface``: planned, locked, one transaction each."""

from platform_migrate.files import create
from platform_migrate.planner import MigrationStatus, State
from platform_migrate.runner import MigrationFailedError, MigrationRun, down, status, up

__all__ = [
    "MigrationFailedError",
    "MigrationRun",
    "MigrationStatus",
    "State",
    "create",
    "down",
    "status",
    "up",
]
