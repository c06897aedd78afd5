"""Writing an object: in one request where it is small, in parts where it is not, never half."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from platform_objectstore._bucket import Bucket
from platform_objectstore._calls import run_to_end, translated

if TYPE_CHECKING:
    from obstore import PutResult

PART_BYTES = 8 * 1024 * 1024
"""S3 takes at most 10,000 parts, of 5 MiB at least: so an object has at most 78 GiB."""
_PARTS_AT_ONCE = 2


class _AbandonedError(Exception):
    """Ends an upload: the client deletes its parts."""


_Queue: TypeAlias = asyncio.Queue[bytes | _AbandonedError | None]


async def upload(bucket: Bucket, path: str, chunks: AsyncIterable[bytes]) -> int:
    """Write the object and return its size; it appears when it is complete.

    What ``chunks`` raises passes through, as does a cancellation, once the parts are deleted.

    Raises:
        FileSystemError: when the storage does not take it.
    """
    async with aclosing(group_parts(chunks)) as parts:
        first = await anext(parts)
        second = await anext(parts, None)
        if second is not None:
            return await _upload_parts(bucket, path, first, second, parts)
    with translated(bucket, "write", path):
        await run_to_end(bucket.store.put_async(path, first, use_multipart=False))
    return len(first)


async def group_parts(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the content in parts of ``PART_BYTES``, the last one shorter; at least one, if empty."""
    buffer, is_first = bytearray(), True
    async for chunk in chunks:
        buffer += chunk
        while len(buffer) > PART_BYTES:
            part = bytes(memoryview(buffer)[:PART_BYTES])
            del buffer[:PART_BYTES]
            is_first = False
            yield part
    if buffer or is_first:
        yield bytes(buffer)


async def _upload_parts(
    bucket: Bucket, path: str, first: bytes, second: bytes, others: AsyncIterator[bytes]
) -> int:
    queue = _Queue(1)

    async def queued() -> AsyncIterator[bytes]:
        while (part := await queue.get()) is not None:
            if isinstance(part, _AbandonedError):
                raise part
            yield part

    with translated(bucket, "write", path):
        put = asyncio.ensure_future(
            bucket.store.put_async(path, queued(), chunk_size=PART_BYTES, max_concurrency=_PARTS_AT_ONCE)
        )

    async def send(part: bytes | None) -> None:
        with translated(bucket, "write", path):
            await _send(queue, part, put)

    size = len(first) + len(second)
    try:
        await send(first)
        await send(second)
        async for part in others:
            await send(part)
            size += len(part)
        await send(None)
    except BaseException:
        await _abandon(queue, put)
        raise
    with translated(bucket, "write", path):
        await run_to_end(put)
    return size


async def _send(queue: _Queue, part: bytes | None, put: "asyncio.Future[PutResult]") -> None:
    """Hand over a part once there is room; raise what has ended the upload meanwhile."""
    sending = asyncio.ensure_future(queue.put(part))
    waiting: list[asyncio.Future[Any]] = [sending, put]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if put.done():
            put.result()
    finally:
        sending.cancel()


async def _abandon(queue: _Queue, put: "asyncio.Future[PutResult]") -> None:
    """Have the client delete the parts, and wait for that."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(_AbandonedError())
    with suppress(Exception):  # the reason why it is abandoned is raised instead
        await run_to_end(put)
