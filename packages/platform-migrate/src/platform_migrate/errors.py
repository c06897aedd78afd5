"""What a run of migrations can end with; see ``platform_interfaces.errors`` for the tree they hang in.

MigrationError
├── MigrationRefusedError   files, rows and request contradict each other; nothing was touched
├── MigrationLockLostError  another run may have begun; this one was stopped
└── MigrationFailedError    a migration was started and failed; those before it stand
"""

from collections.abc import Sequence

from platform_interfaces import MigrationError


class MigrationRefusedError(MigrationError):
    """Files, history or request are not fit to go on with; nothing was changed, all problems are named."""


class MigrationLockLostError(MigrationError):
    """The run lost its lock and was stopped, what it was at is undone; ``status`` tells how far it got."""


class MigrationFailedError(MigrationError):
    """A migration failed; ``done`` stands, ``failed`` and ``remaining`` have no change in their rows.

    What the failed one did is undone whole, unless it opted out of its transaction or ended it by itself; the
    message says so.
    """

    def __init__(self, reason: str, failed: str, done: Sequence[str], remaining: Sequence[str]) -> None:
        """Names of migrations, and why the one failed."""
        self.failed, self.done, self.remaining = failed, tuple(done), tuple(remaining)
        super().__init__(
            f"migration {failed!r} failed: {reason}; done before it: {', '.join(done) or 'none'}; "
            f"not tried: {', '.join(remaining) or 'none'}"
        )
