"""The interfaces a job is written against; they need nothing but the standard library."""

from platform_interfaces._reject_writer import RejectWriter
from platform_interfaces.checks import Check, CheckStatus, Finding, check_free_space
from platform_interfaces.columns import Columns
from platform_interfaces.context import PlatformContext
from platform_interfaces.database import DatabaseInterface, Row, check_bulk_insert
from platform_interfaces.errors import (
    ConfigurationError,
    ConnectionLostError,
    ConstraintError,
    DatabaseError,
    DatabaseMissingError,
    DataError,
    ExecutorError,
    FileChangedError,
    FileMissingError,
    FileSystemError,
    InvalidPathError,
    LockTimeoutError,
    MigrationError,
    MissingSecretError,
    NotConnectedError,
    PlatformError,
    QueryError,
    ReadOnlyError,
    StatementTimeoutError,
    StorageUnreachableError,
    TransactionAbortedError,
    TransactionConflictError,
    WorkerLostError,
)
from platform_interfaces.executor import ExecutorInterface, ItemT, OpenWorkerContext, Outcome, ResultT
from platform_interfaces.failure_kinds import FailureKind
from platform_interfaces.filesystem import Capability, FileSystemInterface, Survey, check_path, check_prefix
from platform_interfaces.identifiers import quote_identifier, quote_identifiers, quote_table, split_table
from platform_interfaces.json_values import dump_json, load_json
from platform_interfaces.lifecycle import AsyncResource, Lifecycle
from platform_interfaces.logging import LogEvent, LoggingInterface
from platform_interfaces.query_result import QueryResult
from platform_interfaces.rejects import (
    REJECTS_FOLDER,
    Reason,
    Reject,
    drop_rejects,
    find_rejects,
    read_rejects,
    rejects_path,
)
from platform_interfaces.run import Progress, Run
from platform_interfaces.secrets import SecretsInterface
from platform_interfaces.undo import Undo

__all__ = [
    "REJECTS_FOLDER",
    "AsyncResource",
    "Capability",
    "Check",
    "CheckStatus",
    "Columns",
    "ConfigurationError",
    "ConnectionLostError",
    "ConstraintError",
    "DataError",
    "DatabaseError",
    "DatabaseInterface",
    "DatabaseMissingError",
    "ExecutorError",
    "ExecutorInterface",
    "FailureKind",
    "FileChangedError",
    "FileMissingError",
    "FileSystemError",
    "FileSystemInterface",
    "Finding",
    "InvalidPathError",
    "ItemT",
    "Lifecycle",
    "LockTimeoutError",
    "LogEvent",
    "LoggingInterface",
    "MigrationError",
    "MissingSecretError",
    "NotConnectedError",
    "OpenWorkerContext",
    "Outcome",
    "PlatformContext",
    "PlatformError",
    "Progress",
    "QueryError",
    "QueryResult",
    "ReadOnlyError",
    "Reason",
    "Reject",
    "RejectWriter",
    "ResultT",
    "Row",
    "Run",
    "SecretsInterface",
    "StatementTimeoutError",
    "StorageUnreachableError",
    "Survey",
    "TransactionAbortedError",
    "TransactionConflictError",
    "Undo",
    "WorkerLostError",
    "check_bulk_insert",
    "check_free_space",
    "check_path",
    "check_prefix",
    "drop_rejects",
    "dump_json",
    "find_rejects",
    "load_json",
    "quote_identifier",
    "quote_identifiers",
    "quote_table",
    "read_rejects",
    "rejects_path",
    "split_table",
]
