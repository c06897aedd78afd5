"""File systems with one fault each."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path
from typing import Any, ClassVar

from platform_interfaces import Check, CheckStatus, FileMissingError, FileSystemError, Finding, Survey
from platform_localfs import LocalFileSystem
from platform_memory import MemoryFileSystem
from tests.planted.subscriptions import noticed_by

MIB = 1024 * 1024
RACE = "test_readers_never_see_a_part_of_a_write"


@noticed_by(RACE)
class WriteEmptiesTheFileFirst(MemoryFileSystem):
    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        await super().write(path, b"")
        await asyncio.sleep(0)
        await super().write(path, data)


@noticed_by(RACE)
class WriteComesInHalves(MemoryFileSystem):
    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        await super().write(path, data[: len(data) // 2])
        await asyncio.sleep(0)
        await super().write(path, data)


@noticed_by(RACE)
class WriteDeletesTheFileFirst(MemoryFileSystem):
    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        await self.delete(path)
        await asyncio.sleep(0)
        await super().write(path, data)


@noticed_by(
    "test_a_write_of_what_is_not_bytes_leaves_the_old_content",
    "test_a_write_that_the_storage_cannot_take_leaves_the_old_content",
    "test_a_writer_killed_at_any_time_leaves_the_old_content_or_the_new",
)
class WriteIsNotAtomic(LocalFileSystem):
    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        file_path = Path(self.locate(path))
        file_path.parent.mkdir(parents=True, exist_ok=True)
        with file_path.open("wb") as file:
            try:
                file.write(data)
            except OSError as error:
                raise FileMissingError("full") from error

    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        data = b"".join([chunk async for chunk in chunks])
        await self.write(path, data)
        return len(data)


@noticed_by("test_a_cancelled_write_does_not_go_on")
class CancelledWriteGoesOn(LocalFileSystem):
    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        await asyncio.shield(super().write(path, data))

    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        return await asyncio.shield(super().write_stream(path, chunks))


class _OneTemporaryName(MemoryFileSystem):
    """Collects what is streamed in one buffer for each path."""

    def __init__(self, secrets: Any = None) -> None:
        super().__init__(secrets)
        self._buffers: dict[str, bytearray] = {}


@noticed_by("test_write_streams_of_one_file_do_not_mix")
class WriteStreamsMix(_OneTemporaryName):
    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        size, self._buffers[path] = 0, bytearray()
        async for chunk in chunks:
            self._buffers[path] += chunk
            size += len(chunk)
        await self.write(path, bytes(self._buffers[path]))
        return size


@noticed_by("test_a_write_stream_that_fails_does_not_disturb_another")
class FailedWriteStreamTakesTheOtherAlong(_OneTemporaryName):
    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        size, buffer = 0, self._buffers.setdefault(path, bytearray())
        data = bytearray()
        try:
            async for chunk in chunks:
                buffer += chunk
                data += chunk
                size += len(chunk)
        except BaseException:
            buffer.clear()
            raise
        await self.write(path, bytes(buffer if len(buffer) <= len(data) else data))
        return size


@noticed_by("test_large_content_is_kept_whole")
class WriteTruncatesAtEightMebibytes(MemoryFileSystem):
    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        await super().write(path, data[: 8 * MIB])


@noticed_by("test_large_content_is_kept_whole")
class ReadTruncatesAtThirtyTwoMebibytes(LocalFileSystem):
    async def read(self, path: str) -> bytes:
        return (await super().read(path))[: 32 * MIB]


@noticed_by("test_large_content_is_kept_whole")
class StreamLosesItsLastBlock(MemoryFileSystem):
    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        async for block in super().stream(path, offset=offset):
            if len(block) == MIB:
                yield block


@noticed_by("test_a_write_stream_of_nothing_makes_an_empty_file")
class EmptyWriteStreamMakesNoFile(MemoryFileSystem):
    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        data = b"".join([chunk async for chunk in chunks])
        if data:
            await self.write(path, data)
        return len(data)


class _Renaming(MemoryFileSystem):
    def name(self, path: str) -> str:
        raise NotImplementedError

    async def read(self, path: str) -> bytes:
        return await super().read(self.name(path))

    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        await super().write(self.name(path), data)

    async def exists(self, path: str) -> bool:
        return await super().exists(self.name(path))

    async def delete(self, path: str) -> bool:
        return await super().delete(self.name(path))


ALIKE = "test_names_that_look_alike_are_files_of_their_own"


@noticed_by(ALIKE)
class NamesAreNormalised(_Renaming):
    def name(self, path: str) -> str:
        return unicodedata.normalize("NFC", path)


@noticed_by(ALIKE)
class NamesAreNormalisedToCompatibility(_Renaming):
    def name(self, path: str) -> str:
        return unicodedata.normalize("NFKD", path)


@noticed_by(ALIKE)
class NamesLoseTheirCase(_Renaming):
    def name(self, path: str) -> str:
        return path.casefold()


@noticed_by(ALIKE)
class NamesLoseTrailingDotsAndBlanks(_Renaming):
    def name(self, path: str) -> str:
        return "/".join(part.rstrip(". ") or part for part in path.split("/"))


@noticed_by(ALIKE)
class NamesAreDecoded(_Renaming):
    def name(self, path: str) -> str:
        return path.replace("%20", " ").replace("%61", "a")


@noticed_by("test_of_deletes_at_once_one_says_that_there_was_a_file")
class TwoDeletesSayTrue(MemoryFileSystem):
    async def delete(self, path: str) -> bool:
        was_there = await self.exists(path)
        await asyncio.sleep(0)
        await super().delete(path)
        return was_there


@noticed_by("test_of_processes_that_delete_a_file_one_says_that_it_was_there")
class DeleteAlwaysSaysTrue(LocalFileSystem):
    async def delete(self, path: str) -> bool:
        await super().delete(path)
        return True


@noticed_by("test_nothing_stays_open")
class StreamLeftEarlyLeaks(LocalFileSystem):
    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        if path != "dir/a":
            async for block in super().stream(path, offset=offset):
                yield block
            return
        file = Path(self.locate(path)).open("rb")  # noqa: SIM115 - the fault
        file.seek(offset)
        while block := file.read(MIB):
            yield block
        file.close()


@noticed_by("test_a_stream_takes_little_memory")
class StreamReadsAllFirst(LocalFileSystem):
    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        data = (await self.read(path))[offset:]
        for start in range(0, len(data), MIB):
            yield data[start : start + MIB]


@noticed_by("test_a_stream_begins_at_its_offset")
class StreamIgnoresItsOffset(MemoryFileSystem):
    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        async for block in super().stream(path):
            yield block


@noticed_by("test_a_version_changes_with_the_content")
class VersionsAreSizes(MemoryFileSystem):
    async def survey(self, prefix: str) -> Survey:
        found = await super().survey(prefix)
        return Survey(found.files, sizes=found.sizes, versions={k: str(n) for k, n in found.sizes.items()})


@noticed_by("test_what_is_read_is_bytes")
class StreamReusesItsBuffer(MemoryFileSystem):
    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        async for block in super().stream(path, offset=offset):
            yield bytearray(block)  # type: ignore[misc]


@noticed_by("test_streams_of_one_file_do_not_share_their_position")
class StreamsShareTheirPosition(MemoryFileSystem):
    _positions: ClassVar[dict[str, int]] = {}

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        data = (await self.read(path))[offset:]
        self._positions[path] = 0
        while block := data[self._positions[path] : self._positions[path] + MIB]:
            self._positions[path] += MIB
            await asyncio.sleep(0)
            yield block


@noticed_by("test_each_file_has_a_url_of_its_own", ALIKE)
class OneUrlForAllFiles(MemoryFileSystem):
    async def get_signed_url(self, path: str, expiry: int = 3600) -> str:
        await super().get_signed_url(path)
        return "memory:///file"


@noticed_by("test_each_file_has_a_url_of_its_own")
class UrlIsNotQuoted(MemoryFileSystem):
    async def get_signed_url(self, path: str, expiry: int = 3600) -> str:
        await super().get_signed_url(path)
        return f"memory:///{path}"


@noticed_by("test_a_path_is_not_the_beginning_of_another")
class ExistsTakesABeginning(MemoryFileSystem):
    async def exists(self, path: str) -> bool:
        return await super().exists(path) or any(file.startswith(path) for file in await self.list(""))


@noticed_by("test_a_path_is_not_the_beginning_of_another")
class ListTakesABeginning(MemoryFileSystem):
    async def list(self, prefix: str) -> list[str]:
        return [path for path in await super().list("") if path.startswith(prefix)]


@noticed_by("test_a_list_is_whole_however_many_files_there_are")
class ListEndsAfterOnePage(MemoryFileSystem):
    async def list(self, prefix: str) -> list[str]:
        return (await super().list(prefix))[:1000]


@noticed_by("test_large_content_is_kept_whole")
class OverwriteKeepsTheLongerTail(MemoryFileSystem):
    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        old = self._files.get(path, b"")
        await super().write(path, data + old[len(data) :])


@noticed_by("test_files_are_written_into_one_new_directory_at_once")
class NewDirectoryIsMadeTwice(LocalFileSystem):
    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        parent = Path(self.locate(path)).parent
        is_new = not parent.exists()
        await asyncio.sleep(0)
        if is_new:
            parent.mkdir(parents=True)
        await super().write(path, data)


@noticed_by("test_a_second_connect_or_disconnect_does_nothing")
class SecondDisconnectRaises(MemoryFileSystem):
    _is_closed = False

    async def disconnect(self) -> None:
        if self._is_closed:
            raise FileSystemError("it is closed")
        self._is_closed = True

    async def connect(self) -> None:
        self._is_closed = False


@noticed_by("test_a_file_outlasts_the_connection")
class DisconnectLosesTheFiles(MemoryFileSystem):
    async def disconnect(self) -> None:
        self._files.clear()


@noticed_by("test_what_is_written_is_in_the_storage", "test_what_is_in_the_storage_is_read", "test_overwrite")
class FilesStayInACache(LocalFileSystem):
    """It reads what it has written, which is all that its own methods can show."""

    def __init__(self, secrets: Any) -> None:
        super().__init__(secrets)
        self._cache: dict[str, bytes] = {}

    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        if path not in self._cache:
            await super().write(path, data)
        self._cache[path] = data

    async def read(self, path: str) -> bytes:
        if path not in self._cache:
            self._cache[path] = await super().read(path)
        return self._cache[path]


@noticed_by("test_each_of_its_checks_has_a_name_and_says_what_to_do")
class ACheckDoesNotSayWhatToDo(MemoryFileSystem):
    def list_checks(self) -> list[Check]:
        async def find() -> Finding:
            return Finding(CheckStatus.FAILED, "the disk is full")

        return [Check("disk", find)]
