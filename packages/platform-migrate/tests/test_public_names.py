import platform_migrate
from platform_interfaces.testing import check_public_names


def test_the_public_names_are_these() -> None:
    check_public_names(
        platform_migrate,
        [
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
        ],
    )
