"""The errors of a run of migrations; ``platform_interfaces.errors`` has the tree above them.

MigrationError
├── MigrationRefusedError   files, rows and request contradict each other; nothing was changed
├── MigrationLockLostError  another run may have started; this one was stopped
└── MigrationFailedError    a migration was started and failed; those before it stay applied
"""

from collections.abc import Sequence

from platform_interfaces import MigrationError


class MigrationRefusedError(MigrationError):
    """Files, history and request contradict each other; nothing was changed, all problems are named."""


class MigrationLockLostError(MigrationError):
    """The run lost its lock and was stopped, its current migration was rolled back; see ``status``."""


class MigrationFailedError(MigrationError):
    """A migration failed; ``done`` stay as they are, the rows of ``failed`` and ``remaining`` are unchanged.

    What the failed one did was rolled back, unless it opted out of its transaction or ended it by itself; the
    message says so.

    Attributes:
        failed: the name of the migration.
        done: the names of those before it.
        remaining: the names of those that were not tried.
    """

    def __init__(self, reason: str, failed: str, done: Sequence[str], remaining: Sequence[str]) -> None:
        """Build the message from ``reason``, why it failed, and the names."""
        self.failed, self.done, self.remaining = failed, tuple(done), tuple(remaining)
        super().__init__(
            f"migration {failed!r} failed: {reason}; done before it: {', '.join(done) or 'none'}; "
            f"not tried: {', '.join(remaining) or 'none'}"
        )
