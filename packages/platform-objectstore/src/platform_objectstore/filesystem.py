"""``FileSystemInterface`` on an object store."""

import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, ClassVar

from obstore import sign_async

from platform_interfaces import (
    Capability,
    FileMissingError,
    FileSystemError,
    FileSystemInterface,
    Survey,
    check_path,
    check_prefix,
)
from platform_interfaces.filesystem import is_temporary_name
from platform_objectstore._bucket import Bucket
from platform_objectstore._calls import limited
from platform_objectstore._errors import OffsetError
from platform_objectstore._exit import let_client_finish
from platform_objectstore._listing import escape, list_files, list_level, sort_out, survey
from platform_objectstore._upload import PART_BYTES, upload

if TYPE_CHECKING:
    from obstore import GetOptions

_BLOCK_BYTES = 1024 * 1024
_MAX_EXPIRY_SECONDS = 7 * 24 * 3600
_log = logging.getLogger("platform_objectstore")


class ObjectStoreFileSystem(FileSystemInterface):
    """The objects of a bucket, below a prefix; subclasses read the settings.

    Objects have no permissions and no directories: ``is_private`` changes nothing, and ``a`` and ``a/b`` may
    both be files. Where others keep the mark of an empty folder, an empty object named ``a/``, it is not a
    file.
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        let_client_finish()

    async def read(self, path: str) -> bytes:
        return b"".join([block async for block in self.stream(path)])

    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        """Write the object; a cancelled call ends once the storage has answered."""
        await self.write_stream(path, _slices(bytes(memoryview(data))))

    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        """Write the object, in parts where it is longer than 8 MiB; these are deleted after a failure.

        Those of a process that is killed stay, unseen, until a lifecycle rule of the bucket deletes them.
        """
        return await upload(self._bucket, check_path(path), chunks)

    async def list(self, prefix: str) -> list[str]:
        """Return the paths; a key that cannot be a path is left out, with a warning in the log.

        Raises:
            FileSystemError: also when there is a key that the client cannot read, such as ``a//b``.
        """
        files, refused = sort_out(await list_files(self._bucket, check_prefix(prefix)))
        for path, reason in refused.items():
            _log.warning("a file is not listed: %r: %s", path, reason)
        return files

    async def survey(self, prefix: str) -> Survey:
        return await survey(self._bucket, check_prefix(prefix))

    async def list_names(self, prefix: str) -> tuple[str, ...]:
        directory = check_prefix(prefix)
        level = await list_level(self._bucket, directory)
        start = len(directory) + 1 if directory else 0
        names = [path[start:] for path in level.files] + [f"{path[start:]}/" for path in level.directories]
        if directory and not names:
            if await self.exists(directory):
                raise FileSystemError(f"{self.locate(directory)!r} is a file, not a directory")
            raise FileMissingError(f"there is no directory {self.locate(directory)!r}")
        return tuple(sorted(escape(name) for name in names if not is_temporary_name(name)))

    def locate(self, path: str = "") -> str:
        return self._bucket.locate(path)

    async def delete(self, path: str) -> bool:
        """Delete the object; of several calls at once, each may return True."""
        is_there = await self.exists(path)
        if is_there:
            async with limited(self._bucket, "delete", path):
                await self._bucket.store.delete_async(path)
        return is_there

    async def exists(self, path: str) -> bool:
        check_path(path)
        try:
            async with limited(self._bucket, "look at", path):
                await self._bucket.store.head_async(path)
        except FileMissingError:
            return False
        return True

    async def get_signed_url(self, path: str, expiry: int = 3600) -> str:
        """Return a URL that anybody can read the object by.

        Raises:
            ValueError: when ``expiry`` is not between 1 and 604,800 seconds, which is a week.
        """
        if not 0 < expiry <= _MAX_EXPIRY_SECONDS:
            raise ValueError(f"a signed URL is valid for 1 to {_MAX_EXPIRY_SECONDS:,} s, not {expiry:,}")
        if not await self.exists(path):
            raise FileMissingError(f"there is no file {path!r} in {self.locate()!r}")
        async with limited(self._bucket, "sign a URL of", path):
            return await sign_async(self._bucket.store, "GET", path, timedelta(seconds=expiry))

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the content in blocks of at least 1 MiB; each has the time limit.

        Raises:
            FileSystemError: also when the answer broke off, and asking for the rest did not help.
        """
        check_path(path)
        options: GetOptions = {"range": {"offset": offset}} if offset else {}
        try:
            async with limited(self._bucket, "read", path):
                found = await self._bucket.store.get_async(path, options=options)
        except OffsetError:
            return
        start, end = found.range
        blocks, missing = found.stream(_BLOCK_BYTES), end - start
        while missing:
            async with limited(self._bucket, "read", path):
                block = await anext(blocks, b"")
            if not block:
                raise FileSystemError(
                    f"cannot read {self.locate(path)!r}: the answer is {missing:,} bytes short"
                )
            missing -= len(block)
            yield block

    async def health_check(self) -> bool:
        """Return whether the bucket exists and can be written to."""
        path = f".platform-{token_hex(8)}.tmp"
        try:
            await upload(self._bucket, path, _slices(b""))
            async with limited(self._bucket, "delete", path):
                await self._bucket.store.delete_async(path)
        except FileSystemError:
            return False
        return True


async def _slices(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), PART_BYTES):
        yield data[start : start + PART_BYTES]
