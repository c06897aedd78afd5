"""Compressed files, read as if they were not: block by block, in constant memory."""

import asyncio
import sys
import zlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Protocol

from batch_etl.ingest.signatures import GZIP, START_BYTES, find_unread_format, is_zstd
from platform_interfaces import FileSystemError

BLOCK_BYTES = 1024 * 1024  # at most, for a small file may hold gigabytes
MAX_LAYERS = 3  # of compression, one inside the other
_PIECE_BYTES = 16 * 1024  # each of many small members hands back all that follows it
_MAGIC_BYTES = 4
# The beginning of a member that may follow another, and of a file that is named as one.
_BEGINNINGS = {"gz": b"\x1f\x8b\x08", "zst": b"\x28\xb5\x2f\xfd"}


class _Decompressor(Protocol):
    """Undoes the compression of one member of gzip data, or of one frame of zstd data."""

    @property
    def eof(self) -> bool:
        """Return whether the member has ended."""

    @property
    def unused_data(self) -> bytes:
        """Return the bytes that follow it."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return the next bytes."""


async def is_compressed(blocks: AsyncGenerator[bytes, None]) -> bool:
    """Return whether a file begins as gzip or zstd data do.

    Raises:
        FileSystemError: when its beginning cannot be read.
    """
    async with aclosing(_with_whole_start(blocks)) as whole:
        return _is_compressed(await anext(whole, b""))


async def decompress_file(
    path: str, blocks: AsyncGenerator[bytes, None], layers: int = MAX_LAYERS
) -> AsyncGenerator[bytes, None]:
    """Yield the content of a file, decompressed where it begins as gzip or zstd data do, whatever its name.

    Raises:
        FileSystemError: before anything is yielded, when the file has a format that is not read; after what
            could be read, when the rest is damaged or missing.
    """
    async with aclosing(_with_whole_start(blocks)) as whole:
        start = await anext(whole, b"")
        if not _is_compressed(start):
            _check_is_text(path, start)
            yield start
            async for block in whole:
                yield block
            return
        if not layers:
            raise FileSystemError(f"{path!r} is compressed more than {MAX_LAYERS} times: decompress it once")
        async with aclosing(decompress_file(path, _decompress(path, start, whole), layers - 1)) as content:
            async for block in content:
                yield block


async def _with_whole_start(blocks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yield the blocks, the first of which is long enough to show the format."""
    start = b""
    async with aclosing(blocks):
        try:
            async for block in blocks:
                start += block
                if len(start) >= START_BYTES:
                    break
        except FileSystemError:
            yield start
            raise
        yield start
        async for block in blocks:
            yield block


def _is_compressed(start: bytes) -> bool:
    return start.startswith(GZIP) or is_zstd(start)


def _check_is_text(path: str, start: bytes) -> None:
    beginning = _BEGINNINGS.get(path.rpartition(".")[2].lower(), b"")
    if start and beginning.startswith(start):
        raise FileSystemError(_truncated(path))
    if problem := find_unread_format(path, start):
        raise FileSystemError(f"{path!r} {problem}")


async def _decompress(
    path: str, start: bytes, blocks: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    members = _Members()
    try:
        for data in members.read(start):
            yield data
            await asyncio.sleep(0)  # a block may go on for long
        async for block in blocks:
            for data in members.read(block):
                yield data
                await asyncio.sleep(0)
        members.check_end()
    except (zlib.error, _zstd_error()) as error:
        raise FileSystemError(
            f"the compressed data of {path!r} is damaged or not supported: {error}; replace the file"
        ) from error
    except EOFError as error:
        raise FileSystemError(_truncated(path)) from error


def _truncated(path: str) -> str:
    return (
        f"the compressed data of {path!r} is truncated: when the file is still being written, load it later; "
        "else replace it by a whole one"
    )


class _Members:
    """The members of a file, one after the other; each may be gzip or zstd."""

    def __init__(self) -> None:
        self._member: _Decompressor | None = None
        self._next = b""  # the beginning of a member, too short to show what it is
        self._is_after_gzip = False

    def check_end(self) -> None:
        """Do nothing where the file may end.

        Raises:
            EOFError: when the end of a member is missing.
            zlib.error: when what follows the last member is not the beginning of one.
        """
        if self._next and not any(magic.startswith(self._next) for magic in _BEGINNINGS.values()):
            raise zlib.error("other data follow its end")
        if self._member or self._next:
            raise EOFError

    def read(self, block: bytes) -> Iterator[bytes]:
        """Yield what the next block of the file holds."""
        for start in range(0, len(block), _PIECE_BYTES):
            yield from self._read(block[start : start + _PIECE_BYTES])

    def _read(self, block: bytes) -> Iterator[bytes]:
        while block:
            if self._member is None:
                block = self._open(self._next + block)
                continue
            member = self._member
            yield from _read(member, block)
            block = b""
            if member.eof:
                self._member, block = None, member.unused_data

    def _open(self, block: bytes) -> bytes:
        """Open the next member, and return what has not been read yet."""
        if self._is_after_gzip:
            block = block.lstrip(b"\0")  # padding, as gzip and tapes have it
        self._next = block
        if len(block) < _MAGIC_BYTES:
            return b""
        self._next, self._is_after_gzip = b"", block.startswith(GZIP)
        if self._is_after_gzip:
            self._member = zlib.decompressobj(wbits=31)  # with the header and the checksum of gzip
        elif is_zstd(block):
            self._member = _zstd_decompressor()
        else:
            raise zlib.error("other data follow its end")
        return block


def _read(member: _Decompressor, block: bytes) -> Iterator[bytes]:
    while data := member.decompress(block, BLOCK_BYTES):
        yield data
        if member.eof:
            break
        block = getattr(member, "unconsumed_tail", b"")  # zlib hands back what it has not read, zstd keeps it


def _zstd_decompressor() -> _Decompressor:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd  # not at the top: few runs need it
    return zstd.ZstdDecompressor()


def _zstd_error() -> type[Exception]:
    """Return the class of what zstd raises; it is imported only where an error is looked at."""
    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdError
    else:
        from backports.zstd import ZstdError
    return ZstdError
