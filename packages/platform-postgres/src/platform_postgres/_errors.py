"""asyncpg's errors, translated into the platform's."""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from platform_interfaces import (
    ConnectionLostError,
    ConstraintError,
    DatabaseError,
    DataError,
    QueryError,
    ReadOnlyError,
    StatementTimeoutError,
    TransactionAbortedError,
    TransactionConflictError,
)

# By SQLSTATE, or by its class of two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html
_BY_SQLSTATE: dict[str, type[DatabaseError]] = {
    "08": ConnectionLostError,
    "22": DataError,
    "2200H": QueryError,  # a sequence has reached its end: no row is at fault
    "23": ConstraintError,
    "25": QueryError,
    "25006": ReadOnlyError,
    "25P02": TransactionAbortedError,
    "25P03": ConnectionLostError,  # idle in transaction for too long
    "25P04": StatementTimeoutError,  # transaction_timeout
    "40": TransactionConflictError,
    "42": QueryError,
    "0A": QueryError,
    "2B": QueryError,  # dependent objects still exist
    "3F": QueryError,  # no such schema
    "53300": ConnectionLostError,  # too many connections
    "54000": DataError,  # an index entry or a field is too large
    "54001": DataError,  # nested too deeply
    "55006": QueryError,
    "55P03": StatementTimeoutError,  # lock_timeout
    "57014": StatementTimeoutError,  # statement_timeout, or cancelled by an administrator
    "57P01": ConnectionLostError,
    "57P02": ConnectionLostError,
    "57P03": ConnectionLostError,
    "57P05": ConnectionLostError,
}
# Errors of codecs for a value that cannot be encoded or decoded.
_CODEC_ERRORS = (ValueError, TypeError, ArithmeticError, AttributeError, LookupError, RecursionError)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate the errors of the block, which calls asyncpg and nothing else."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _from_server(error) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise _from_client(error) from error
    except TimeoutError as error:  # before OSError, which it is a kind of
        raise StatementTimeoutError("no answer from the database within the time limit") from error
    except OSError as error:
        raise ConnectionLostError(f"the database cannot be reached: {error}") from error
    except (struct.error, OverflowError):
        raise DataError("a value is out of the range of its type") from None
    except _CODEC_ERRORS as error:  # its text, and so its traceback, may quote the value
        raise DataError(
            f"a value cannot be converted for or from the database: {type(error).__name__}"
        ) from None


def _from_server(error: asyncpg.PostgresError) -> DatabaseError:
    sqlstate = error.sqlstate or ""
    kind = _BY_SQLSTATE.get(sqlstate) or _BY_SQLSTATE.get(sqlstate[:2], DatabaseError)
    if sqlstate == "23514" and not error.constraint_name:  # no CHECK: no partition takes the row
        kind = QueryError
    redact(error, sqlstate)
    return kind(f"{error} (SQLSTATE {sqlstate})".replace("\n", " "))


def redact(error: asyncpg.PostgresError, sqlstate: str) -> None:
    """Remove rows and values from the driver's error, which tracebacks show as the cause of ours."""
    refusal = error.__cause__ if isinstance(error.__cause__, DataError) else None  # of our codecs
    error.detail = error.context = None
    error.__cause__ = error.__context__ = None  # a codec's error
    text = str(error.args[0]) if error.args else ""
    if text.startswith("invalid input for query argument"):  # raised by asyncpg, quotes the whole value
        text = text.partition(":")[0] + (f": {refusal}" if refusal else "")
    elif text.startswith('invalid value for parameter "'):  # its name helps, its value may be a secret
        text = re.sub(r'(?<=": )".*"', '"..."', text, flags=re.DOTALL)
    elif sqlstate.startswith("22") and sqlstate != "2200H":  # that one quotes the name of a sequence
        text = re.sub(r'".*"', '"..."', text, flags=re.DOTALL)
    elif sqlstate == "42601":  # a syntax error, which may be at a literal
        text = re.sub(r"""(?<= at or near ")'.*(?=")""", "'...'", text, flags=re.DOTALL)
    elif sqlstate == "P0001":  # RAISE EXCEPTION, often with the row
        text = "a function or trigger raised an exception"
    error.args = (text, *error.args[1:])
    error.message = text


def _from_client(error: Exception) -> DatabaseError:
    text = " ".join(str(error).split())
    if re.search(r"\b(codec|encoder|decoder)\b|^the server expects \d+ argument", text):
        return QueryError(text)
    if isinstance(error, asyncpg.InternalClientError):  # its text is about a step of the protocol
        return ConnectionLostError("the connection to the database was lost in the middle of a statement")
    if any(word in text for word in ("closed", "released", "terminated")):
        return ConnectionLostError(f"the connection to the database is gone: {text}")
    return DatabaseError(text)
