"""The errors every adapter raises, so that a caller never imports a driver to catch something.

    PlatformError
    ├── ConfigurationError            fix a setting, a name or an installation
    │   ├── MissingSecretError        a required value is set nowhere
    │   └── DatabaseMissingError      there is no such database yet, and none may be made
    ├── DatabaseError                 anything else the database reports
    │   ├── NotConnectedError         call connect() first
    │   ├── ConnectionLostError       retry: the server is unreachable or went away
    │   ├── StatementTimeoutError     retry: a statement or an acquisition took too long
    │   ├── TransactionConflictError  retry: deadlock or serialization failure
    │   ├── LockTimeoutError          retry: another process holds the lock
    │   ├── TransactionAbortedError   fix the code: it swallowed an error inside transaction(), or ended it
    │   ├── QueryError                fix the statement, the schema or the grants
    │   │   └── ReadOnlyError         … or allow it to change the database
    │   └── DataError                 fix the data: the database refuses a value
    │       └── ConstraintError       … because it breaks a constraint
    ├── FileSystemError               anything else the storage reports
    │   ├── StorageUnreachableError   retry: the storage cannot be reached, or does not answer for now
    │   ├── FileChangedError          retry: the file was changed while it was read
    │   ├── FileMissingError          the file does not exist (also a FileNotFoundError)
    │   └── InvalidPathError          the path can never name a file here (also a ValueError)
    ├── ExecutorError                 anything else the executor reports
    │   └── WorkerLostError           an item was given up: it lost its worker each time
    └── MigrationError                the migrations cannot go on; the message says which and why

The class attribute ``is_transient`` says whether a retry can help, and ``kind`` what alerts match, never the
text.
"""

from platform_interfaces.failure_kinds import FailureKind


class PlatformError(Exception):
    """The root of all errors that the platform itself raises."""

    is_transient: bool = False
    kind: FailureKind = FailureKind.PLATFORM_ERROR


class ConfigurationError(PlatformError):
    """A setting, a name or an installation is wrong; nothing was started."""

    kind = FailureKind.CONFIGURATION


class MissingSecretError(ConfigurationError):
    """A required value is set nowhere; the message names it and where it was looked for."""


class DatabaseMissingError(ConfigurationError):
    """The database does not exist yet, and the settings do not let it be made."""


class DatabaseError(PlatformError):
    """The database could not do what was asked.

    Attributes:
        position: the index of the character of the statement that the database reports, where it does.
    """

    position: int | None = None
    kind = FailureKind.DATABASE_ERROR


class NotConnectedError(DatabaseError):
    """A query was made before ``connect`` or after ``disconnect``."""


class ConnectionLostError(DatabaseError):
    """The server cannot be reached or went away; what was in a transaction is rolled back."""

    is_transient = True
    kind = FailureKind.DATABASE_UNREACHABLE


class StatementTimeoutError(DatabaseError):
    """A statement, or the wait for a free connection, took longer than its limit."""

    is_transient = True


class TransactionConflictError(DatabaseError):
    """Another transaction won (deadlock, serialization); retry the whole transaction."""

    is_transient = True


class LockTimeoutError(DatabaseError):
    """Another task or process held the lock for the whole wait."""

    is_transient = True
    kind = FailureKind.LOCKED


class TransactionAbortedError(DatabaseError):
    """At the end of its block, ``transaction()`` had nothing to commit.

    Either the block swallowed an error, and all of it was rolled back; or a COMMIT or ROLLBACK among its
    statements had ended the transaction, and what that committed, and what came after it, stays.
    """


class QueryError(DatabaseError):
    """The statement, the schema or the grants are wrong; the same call fails again."""


class ReadOnlyError(QueryError):
    """The statement changes the database, or returns no rows, where it may only read."""


class DataError(DatabaseError):
    """The database refuses a value: out of range, too long, not storable."""


class ConstraintError(DataError):
    """A row breaks a constraint: unique, not null, foreign key, check."""


class FileSystemError(PlatformError):
    """The storage could not do what was asked."""

    kind = FailureKind.FILE_SYSTEM_ERROR


class StorageUnreachableError(FileSystemError):
    """The storage as a whole cannot be reached, is overloaded or answers too late."""

    is_transient = True


class FileChangedError(FileSystemError):
    """The file was changed while it was read; what was read of it is neither the old content nor the new."""

    is_transient = True
    kind = FailureKind.INPUT_CHANGED


class FileMissingError(FileSystemError, FileNotFoundError):
    """There is no file at this path."""


class InvalidPathError(FileSystemError, ValueError):
    """The path can never name a file here: absolute, empty, ``..``, or outside the root."""


class ExecutorError(PlatformError):
    """The executor, or a worker, could not do what was asked."""

    kind = FailureKind.EXECUTOR_ERROR


class WorkerLostError(ExecutorError):
    """An item was given up: each worker that had it was lost, killed or out of memory."""


class MigrationError(PlatformError):
    """A migration cannot be loaded or applied; earlier ones stay as they are."""

    kind = FailureKind.MIGRATION_FAILED
