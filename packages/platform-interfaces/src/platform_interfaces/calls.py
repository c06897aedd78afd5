"""What is sent to workers: checked before it leaves, for an error where it was made."""

from collections.abc import Callable
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
    import inspect
    import pickle  # here, because it is a tenth of the time of --help, which imports this package

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
    import pickle

    try:
        message = pickle.dumps(value)
    except Exception as error:
        kind = type(value).__name__
        raise ExecutorError(f"{subject} is a {kind} and cannot be pickled: {error}") from error
    if len(message) > MAX_MESSAGE_BYTES:
        raise ExecutorError(
            f"{subject} has {len(message):,} bytes, and {MAX_MESSAGE_BYTES:,} are the limit: "
            "write it to the file system or the database, and send its name"
        )
    return message
