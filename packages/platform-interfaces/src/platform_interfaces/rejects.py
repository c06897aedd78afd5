"""Input that a job could not load is kept, with the reasons, in the file system it came from."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from platform_interfaces.filesystem import FileSystemInterface

if TYPE_CHECKING:
    import asyncio

_ENCODER = json.JSONEncoder(ensure_ascii=False)
REJECTS_FOLDER = "rejected"
_SUFFIX, _MAX_NAME_BYTES = ".jsonl", 255
_BLOCK_BYTES = 1024 * 1024
_SAVES = 16  # at a time, for each waits for the disk


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a line was rejected: a code for machines, a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Reject:
    """A line of ``file`` and why it was not loaded, the most telling reason first.

    ``line`` counts from 1, ``offset`` in bytes from 0; ``raw`` is None for a line too long to be held.
    """

    file: str
    line: int
    offset: int
    raw: bytes | None
    reasons: tuple[Reason, ...]

    def to_json(self, run_id: str) -> bytes:
        """One line of a file of rejects; what is not UTF-8 is in ``raw_base64`` instead of ``raw``."""
        record: dict[str, Any] = {
            "file": self.file,
            "line": self.line,
            "offset": self.offset,
            "reasons": [{"code": reason.code, "message": reason.message} for reason in self.reasons],
            "run_id": run_id,
        }
        try:
            record["raw"] = None if self.raw is None else self.raw.decode()
        except UnicodeDecodeError:
            record["raw_base64"] = b64encode(self.raw or b"").decode()
        return _ENCODER.encode(record).encode() + b"\n"

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """The reject that ``to_json`` wrote.

        Raises:
            ValueError: when the text is none, or has lost a field.
        """
        try:
            record = json.loads(text)
            raw: bytes | None = None
            if "raw_base64" in record:
                raw = b64decode(record["raw_base64"], validate=True)
            elif record["raw"] is not None:
                raw = record["raw"].encode()
            reasons = tuple(Reason(reason["code"], reason["message"]) for reason in record["reasons"])
            return cls(record["file"], int(record["line"]), int(record["offset"]), raw, reasons)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no rejected line: {type(error).__name__}: {error}") from error


class RejectKeeper:
    """Gathers the rejects of one source file after the other; on disk once they are many.

    Use it in an ``async with`` block, at the end of which all is saved.
    """

    def __init__(self, fs: FileSystemInterface, run_id: str, kept: Collection[str] = ()) -> None:
        """``kept`` has the paths of what earlier runs have kept of the same files."""
        self._fs, self._run_id, self._kept = fs, run_id, kept
        # Not at the top: it is slow to import, and the interfaces are imported for every `--help`.
        from tempfile import SpooledTemporaryFile

        self._spool = SpooledTemporaryFile(max_size=_BLOCK_BYTES)  # noqa: SIM115 - closed by __aexit__
        self._saving: deque[asyncio.Task[Any]] = deque()

    async def __aenter__(self) -> Self:
        """Nothing is done yet."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for what is being saved, which is given up when the block has failed."""
        from asyncio import gather

        try:
            while self._saving and kind is None:
                await self._wait()
        finally:
            for task in self._saving:
                task.cancel()
            await gather(*self._saving, return_exceptions=True)
            self._spool.close()

    def add(self, rejects: Iterable[Reject]) -> None:
        """Remember ``rejects``, which come in the order of their lines."""
        self._spool.writelines(reject.to_json(self._run_id) for reject in rejects)

    async def save(self, file: str) -> None:
        """Replace what an earlier run kept for ``file`` by what was added; with nothing added, remove it.

        Several files are saved at a time, so that an error may come from a later call, or the block's end.
        """
        from asyncio import create_task  # as above: whoever gets here has it already

        path = rejects_path(file)
        if self._spool.tell() > _BLOCK_BYTES:
            await self._fs.write_stream(path, self._blocks(), is_private=True)
        elif self._spool.tell():
            content = b"".join([block async for block in self._blocks()])
            self._saving.append(create_task(self._fs.write(path, content, is_private=True)))
        elif path in self._kept:
            self._saving.append(create_task(self._fs.delete(path)))
        self.discard()
        while len(self._saving) > _SAVES:
            await self._wait()

    def discard(self) -> None:
        """Forget what was added since the last ``save``; what an earlier run kept stays."""
        self._spool.seek(0)
        self._spool.truncate()

    async def _wait(self) -> None:
        await self._saving[0]
        self._saving.popleft()

    async def _blocks(self) -> AsyncIterator[bytes]:
        self._spool.seek(0)
        while block := self._spool.read(_BLOCK_BYTES):
            yield block


def rejects_path(file: str) -> str:
    """Where the rejects of ``file`` are kept: always the same, so that a rerun replaces them."""
    folder, slash, name = file.rpartition("/")
    if len(name.encode()) + len(_SUFFIX) > _MAX_NAME_BYTES:  # what file systems take
        from hashlib import sha256  # here, because it loads OpenSSL: 4 ms for everyone who never needs it

        name = f"{name[:50]}-{sha256(name.encode()).hexdigest()}"
    return f"{REJECTS_FOLDER}/{folder}{slash}{name}{_SUFFIX}"


async def read_rejects(fs: FileSystemInterface, path: str) -> AsyncGenerator[Reject, None]:
    """The rejects kept in ``path``, one by one, in constant memory.

    Raises:
        FileSystemError: when it cannot be read.
        ValueError: when a line is no reject; names path and line.
    """
    number, rest = 0, b""
    async with aclosing(fs.stream(path)) as blocks:
        async for block in blocks:
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                number += 1
                yield _parse(path, number, line)
    if rest:
        yield _parse(path, number + 1, rest)


def _parse(path: str, number: int, line: bytes) -> Reject:
    try:
        return Reject.from_json(line)
    except ValueError as error:
        raise ValueError(f"line {number} of {path!r}: {error}") from error
