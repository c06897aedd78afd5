"""Compressed files, read as if they were not: block by block, in constant memory."""

import asyncio
import sys
import zlib
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from functools import partial
from typing import Protocol

from platform_interfaces import FileSystemError

BLOCK_BYTES = 1024 * 1024  # at most, for a small file may hold gigabytes
_PIECE_BYTES = 16 * 1024  # each of many small members hands back all that follows it


class _Decompressor(Protocol):
    """Undoes the compression of one member of a ``.gz`` file, or of one frame of a ``.zst`` file."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def unused_data(self) -> bytes:
        """What follows it."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """The next bytes."""


_Format = tuple[Callable[[], _Decompressor], type[Exception]]


async def decompressed(path: str, blocks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The content of a file whose ``blocks`` are compressed if the end of ``path`` says so.

    Raises:
        FileSystemError: after what could be read, when the rest is damaged or missing.
    """
    find_format = _FORMATS.get(path.rpartition(".")[2])
    async with aclosing(blocks):
        if find_format is None:
            async for block in blocks:
                yield block
            return
        make, error_type = find_format()
        members = _Members(make)
        try:
            async for block in blocks:
                for data in members.read(block):
                    yield data
                    await asyncio.sleep(0)  # a block may go on for long
        except error_type as error:
            raise FileSystemError(f"the compressed data of {path!r} is damaged: {error}") from error
    if members.is_open:
        raise FileSystemError(f"the compressed data of {path!r} is cut short")


class _Members:
    """The members of a file, one after the other."""

    def __init__(self, make: Callable[[], _Decompressor]) -> None:
        self._make = make
        self._member: _Decompressor | None = None

    @property
    def is_open(self) -> bool:
        """Whether the end of a member is still to come."""
        return self._member is not None

    def read(self, block: bytes) -> Iterator[bytes]:
        """What the next block of the file holds."""
        for start in range(0, len(block), _PIECE_BYTES):
            yield from self._read(block[start : start + _PIECE_BYTES])

    def _read(self, block: bytes) -> Iterator[bytes]:
        while block:
            member = self._member = self._member or self._make()
            yield from _read(member, block)
            block = b""
            if member.eof:
                self._member, block = None, member.unused_data


def _read(member: _Decompressor, block: bytes) -> Iterator[bytes]:
    while data := member.decompress(block, BLOCK_BYTES):
        yield data
        if member.eof:
            break
        block = getattr(member, "unconsumed_tail", b"")  # zlib hands back what it has not read, zstd keeps it


def _gzip() -> _Format:
    return partial(zlib.decompressobj, wbits=31), zlib.error  # with the header and the checksum of gzip


def _zstd() -> _Format:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd  # not at the top: few runs need it
    return zstd.ZstdDecompressor, zstd.ZstdError


_FORMATS: dict[str, Callable[[], _Format]] = {"gz": _gzip, "zst": _zstd}
