"""Calls of the client: limited in time, in the process that its threads belong to, to their end."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from obstore.exceptions import BaseError

from platform_interfaces import FileSystemError
from platform_objectstore._bucket import Bucket
from platform_objectstore._errors import summarize, translate

T = TypeVar("T")
_process: int | None = None
"""The process that has the threads of the client: they do not survive a fork, and a call would hang."""


@contextmanager
def translated(bucket: Bucket, action: str, path: str) -> Iterator[None]:
    """Translate what the client raises in the block.

    Raises:
        FileSystemError: also when this process was forked from one that had used the client.
    """
    global _process
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise FileSystemError(
            f"cannot {action} {bucket.locate(path)!r}: this process was forked from one that uses "
            "the storage: start it by 'spawn' or 'forkserver'"
        )
    try:
        yield
    except (BaseError, FileNotFoundError, TimeoutError, ValueError) as error:
        if isinstance(error, FileSystemError):
            raise
        cause = type(error)(summarize(error))
        raise translate(error, action, path, bucket) from cause


@asynccontextmanager
async def limited(bucket: Bucket, action: str, path: str) -> AsyncIterator[None]:
    """Translate what the client raises in the block, and end it at the time limit."""
    with translated(bucket, action, path):
        async with asyncio.timeout(bucket.timeout_seconds):
            yield


async def run_to_end(work: Awaitable[T]) -> T:
    """Return the result of ``work``; raise a cancellation once it has ended.

    A request that was sent cannot be called back: the file would change after the call has ended.
    """
    future = asyncio.ensure_future(work)
    cancellation: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is not None:
        future.exception()  # marks it as retrieved; else the loop logs it
        raise cancellation
    return future.result()
