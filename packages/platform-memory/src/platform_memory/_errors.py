"""DuckDB's errors, translated to the platform's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from platform_interfaces import (
    ConstraintError,
    DatabaseError,
    DataError,
    QueryError,
    ReadOnlyError,
    TransactionConflictError,
)

_KINDS: list[tuple[type[duckdb.Error], type[DatabaseError]]] = [
    (duckdb.IntegrityError, ConstraintError),
    (duckdb.DataError, DataError),
    (duckdb.InvalidInputException, DataError),  # what a function refuses; placeholders are counted before
    (duckdb.TransactionException, TransactionConflictError),
    (duckdb.ProgrammingError, QueryError),
    (duckdb.NotSupportedError, QueryError),
    (duckdb.PermissionException, QueryError),
    (duckdb.DependencyException, QueryError),
]
# Of the CHECK that stands for the length of a VARCHAR, see ``_statement``.
_TOO_LONG = re.compile(r"[(]Error: (value too long for type character varying[(]\d+[)])[)]")
_READ_ONLY = "transaction is launched in read-only mode"
_KEY = re.compile(r'(key ")([^":]*: )?.*(")', re.DOTALL)
_VALUE = re.compile(r"""(["']).*\1|(?<=value )\S+""", re.DOTALL)


@contextmanager
def translating_errors() -> Iterator[None]:
    """Return a block of calls to DuckDB, and of nothing else, whose errors are raised as ours."""
    try:
        yield
    except duckdb.Error as error:
        kind = next((ours for theirs, ours in _KINDS if isinstance(error, theirs)), DatabaseError)
        message = _message(kind, str(error))
        if too_long := _TOO_LONG.search(message):
            kind, message = DataError, too_long[1]
        elif _READ_ONLY in message:
            kind, message = ReadOnlyError, "only reading is allowed, and the statement changes the database"
        error.args = (message,)  # it shows in the traceback, too
        raise kind(message) from error


def _message(kind: type[DatabaseError], text: str) -> str:
    """Return ``text`` on one line, without the statement and without the values of a row."""
    text = text.partition("\n\nLINE ")[0].replace("\0", " ")
    if kind in (ConstraintError, TransactionConflictError):
        text = _KEY.sub(r"\1\2…\3", text)
    elif kind is DataError:
        text = _VALUE.sub("'…'", text)
    return " ".join(text.split())
