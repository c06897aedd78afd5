"""What goes to workers and comes back: checked before it is sent, for an error that says what it is."""

import inspect
import pickle
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from platform_interfaces.errors import ExecutorError

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""How large an item, a result or an error may be, pickled."""


def check_call(fn: Callable[..., Any], max_in_flight: int) -> None:
    """Check the arguments of ``ExecutorInterface.map_unordered``, as every executor does first.

    Raises:
        TypeError: when ``fn`` is not a coroutine function that workers can import.
        ValueError: when ``max_in_flight`` is less than 1.
    """
    if max_in_flight < 1:
        raise ValueError(f"max_in_flight is {max_in_flight}: it must be 1 or more")
    name = f"{getattr(fn, '__module__', '?')}.{getattr(fn, '__qualname__', repr(fn))}"
    if not inspect.iscoroutinefunction(fn):
        raise TypeError(f"{name!r} is not a coroutine function: define it as 'async def fn(ctx, item)'")
    try:
        pickle.dumps(fn)
    except Exception as error:
        raise TypeError(f"{name!r} cannot be sent to workers: define it at the top level: {error}") from error
    if fn.__module__ == "__main__":
        raise TypeError(f"{name!r} cannot be imported by workers: move it to an installed package")


def dump_message(value: object, subject: str) -> bytes:
    """Return ``value`` pickled.

    Args:
        value: what is to be sent.
        subject: what it is, for messages.

    Raises:
        ExecutorError: when it cannot be pickled, or is larger than ``MAX_MESSAGE_BYTES``.
    """
    try:
        message = pickle.dumps(value)
    except Exception as error:
        raise ExecutorError(f"{subject} cannot be pickled: {type(error).__name__}: {error}") from error
    if len(message) > MAX_MESSAGE_BYTES:
        raise ExecutorError(
            f"{subject} has {len(message):,} bytes, and {MAX_MESSAGE_BYTES:,} are the limit: "
            "write it to the file system or the database, and send its name"
        )
    return message


def dump_error(error: Exception, worker: str) -> bytes:
    """Return an error as the answer of a worker, with its traceback as a note.

    One that cannot be sent becomes an ``ExecutorError`` with its text.
    """
    trace = f"On worker {worker}:\n{''.join(traceback.format_exception(error))}"
    try:
        error.add_note(trace)
        answer = dump_message((None, error), "the error")
        pickle.loads(answer)
    except Exception:  # noqa: BLE001 - an error may do anything when it is pickled, and when it is made again
        return _dump_text(error, trace)
    return answer


def _dump_text(error: Exception, trace: str) -> bytes:
    kind = type(error).__name__
    with suppress(Exception):
        plain = ExecutorError(f"{kind}: {error}")
        plain.add_note(trace)
        return dump_message((None, plain), "the error")
    return pickle.dumps((None, ExecutorError(f"{kind}, which cannot be sent")))


def load_answer(answer: bytes) -> tuple[Any, Exception | None]:
    """Return the result and the error, one of which is None, of a worker's answer."""
    try:
        result, error = pickle.loads(answer)
    except Exception as error:  # noqa: BLE001 - a class of the result may do anything when it is made
        return None, ExecutorError(f"the result cannot be unpickled: {type(error).__name__}: {error}")
    return result, error
