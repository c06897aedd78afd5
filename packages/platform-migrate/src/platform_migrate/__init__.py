"""Schema migrations on ``DatabaseInterface``: planned, locked, one transaction each."""

from platform_migrate.creation import create
from platform_migrate.errors import MigrationFailedError, MigrationLockLostError, MigrationRefusedError
from platform_migrate.files import PLATFORM, Source
from platform_migrate.loading import check_files
from platform_migrate.runner import MigrationRun, down, mark_applied, mark_pending, status, up
from platform_migrate.status import MigrationStatus, State, StatusSummary

__all__ = [
    "PLATFORM",
    "MigrationFailedError",
    "MigrationLockLostError",
    "MigrationRefusedError",
    "MigrationRun",
    "MigrationStatus",
    "Source",
    "State",
    "StatusSummary",
    "check_files",
    "create",
    "down",
    "mark_applied",
    "mark_pending",
    "status",
    "up",
]
