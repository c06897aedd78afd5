import inspect
from types import ModuleType

import pytest

import platform_interfaces
from platform_interfaces import errors, execution, testing
from platform_interfaces.errors import PlatformError
from platform_interfaces.testing import check_public_names


def test_the_public_names_are_these() -> None:
    check_public_names(
        platform_interfaces,
        [
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
        ],
    )


def test_the_public_names_for_executors_are_these() -> None:
    check_public_names(
        execution,
        [
            "MAX_MESSAGE_BYTES",
            "RemoteExecutor",
            "Worker",
            "WorkerLogger",
            "check_call",
            "dump_message",
            "replay",
        ],
    )


def test_the_public_names_for_tests_are_these() -> None:
    check_public_names(
        testing,
        [
            "DatabaseContract",
            "ExecutorContract",
            "FileSystemContract",
            "JobHarness",
            "JobResult",
            "LoggingContract",
            "SecretsContract",
            "check_public_names",
        ],
    )


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        (["b"], {"a": 1, "b": 1}),
        (["a", "b"], {"a": 1, "b": 1, "__all__": ["b", "a"]}),
        (["a"], {"a": 1, "b": 1, "__all__": ["a"]}),
        (["a", "b"], {"a": 1, "__all__": ["a", "b"]}),
    ],
    ids=["nothing listed", "another order", "visible, not listed", "listed, not there"],
)
def test_a_package_that_shows_other_names_is_noticed(expected: list[str], shown: dict[str, object]) -> None:
    package = ModuleType("package")
    vars(package).update(shown)
    with pytest.raises(AssertionError):
        check_public_names(package, expected)


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    kinds = {
        name: kind
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, PlatformError)
    }
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        text = line.lstrip(" │├└─")
        name = text.split(" ")[0]
        if name in kinds:
            depth = (len(line) - len(text)) // 4 - 1
            above = [*above[:depth], name]
            parents[name] = above[depth - 1] if depth else ""
    assert parents.pop("PlatformError") == ""
    assert parents == {
        name: kind.__bases__[0].__name__ for name, kind in kinds.items() if kind is not PlatformError
    }


def test_only_what_may_pass_by_itself_is_transient() -> None:
    transient = {name for name, kind in vars(errors).items() if getattr(kind, "is_transient", False)}
    assert transient == {
        "ConnectionLostError",
        "FileChangedError",
        "LockTimeoutError",
        "StatementTimeoutError",
        "StorageUnreachableError",
        "TransactionConflictError",
    }
