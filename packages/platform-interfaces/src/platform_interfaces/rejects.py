"""Input that a job could not load is kept, with the reasons, in the file system it came from."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Self

from platform_interfaces.errors import FileMissingError, FileSystemError
from platform_interfaces.filesystem import FileSystemInterface, check_prefix

_ENCODER = json.JSONEncoder(ensure_ascii=False)
REJECTS_FOLDER = "rejected"
_BLOCK_BYTES = 1024 * 1024


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
    """Gathers the rejects of the files of one folder, one file after the other; on disk once they are many.

    Use it in an ``async with`` block. At its end, also when an exception leaves it, what was added for each
    complete file replaces what earlier runs have kept for it; what they have kept for other files stays. That
    is one step: at any moment, what is kept is that of before or that of after.
    """

    def __init__(self, fs: FileSystemInterface, folder: str, run_id: str, kept: Collection[str] = ()) -> None:
        """``kept`` has the paths of what earlier runs have kept for files in the folder."""
        self._fs, self._path, self._run_id, self._kept = fs, rejects_path(folder), run_id, kept
        # Not at the top: it is slow to import, and the interfaces are imported for every `--help`.
        from tempfile import SpooledTemporaryFile

        self._spool = SpooledTemporaryFile(max_size=_BLOCK_BYTES)  # noqa: SIM115 - closed by __aexit__
        self._size = 0  # of what was added for complete files
        self._complete: set[str] = set()

    async def __aenter__(self) -> Self:
        """Nothing is done yet."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Save what was added for complete files.

        Raises:
            FileSystemError: when it cannot be saved, unless another exception is on its way.
        """
        try:
            self.discard()
            if self._complete and (self._size or self._kept):
                await self._save()
        except FileSystemError:
            if kind is None:
                raise
        finally:
            self._spool.close()

    def add(self, rejects: Iterable[Reject]) -> None:
        """Remember ``rejects``, which come in the order of their lines."""
        self._spool.writelines(reject.to_json(self._run_id) for reject in rejects)

    def complete(self, file: str) -> None:
        """What was added since the last ``complete`` or ``discard`` is all that ``file`` has."""
        self._size = self._spool.tell()
        self._complete.add(file)

    def discard(self) -> None:
        """Forget what was added since the last ``complete``."""
        self._spool.seek(self._size)
        self._spool.truncate()

    async def _save(self) -> None:
        async with aclosing(self._content()) as content:
            first = await anext(content, b"")
            if first:
                await self._fs.write_stream(self._path, _chained(first, content), is_private=True)
        for path in self._kept:
            if path != self._path or not first:
                await self._fs.delete(path)

    async def _content(self) -> AsyncGenerator[bytes, None]:
        self._spool.seek(0)
        while block := self._spool.read(_BLOCK_BYTES):
            yield block
        for path in self._kept:
            with suppress(FileMissingError):  # somebody has dropped it meanwhile
                async with aclosing(_without(self._fs, path, self._complete)) as lines:
                    async for line in lines:
                        yield line


def rejects_path(folder: str) -> str:
    """Where the rejects of the files in ``folder`` and below are kept."""
    return f"{REJECTS_FOLDER}/{folder}/rejects.jsonl" if folder else f"{REJECTS_FOLDER}/rejects.jsonl"


async def find_rejects(fs: FileSystemInterface, prefix: str) -> list[str]:
    """The paths where rejects of the source file ``prefix``, or of those below it, may be kept.

    Raises:
        InvalidPathError: when ``prefix`` can be no path.
    """
    prefix = check_prefix(prefix)
    parts = prefix.split("/") if prefix else []
    above = [rejects_path("/".join(parts[:count])) for count in range(len(parts))]
    below = await fs.list(f"{REJECTS_FOLDER}/{prefix}" if prefix else REJECTS_FOLDER)
    return [*[path for path in above if await fs.exists(path)], *below]


async def read_rejects(fs: FileSystemInterface, path: str) -> AsyncGenerator[Reject, None]:
    """The rejects kept in ``path``, one by one, in constant memory.

    Raises:
        FileSystemError: when it cannot be read.
        ValueError: when a line is no reject; names path and line.
    """
    number = 0
    async with aclosing(_lines(fs, path)) as lines:
        async for line in lines:
            number += 1
            try:
                yield Reject.from_json(line)
            except ValueError as error:
                raise ValueError(f"line {number} of {path!r}: {error}") from error


async def drop_rejects(fs: FileSystemInterface, path: str, is_dropped: Callable[[str], bool]) -> set[str]:
    """The source files with rejects in ``path`` that ``is_dropped`` is true for; their rejects are gone now.

    Raises:
        FileSystemError: when it cannot be read or written.
    """
    async with aclosing(_lines_of_files(fs, path)) as lines:
        files = {file async for _, file in lines if file is not None}
    dropped = set(filter(is_dropped, files))
    if dropped == files:
        await fs.delete(path)
    elif dropped:
        await fs.write_stream(path, _without(fs, path, dropped), is_private=True)
    return dropped


async def _without(fs: FileSystemInterface, path: str, files: Collection[str]) -> AsyncGenerator[bytes, None]:
    """The lines kept in ``path``, as they are, but those of ``files``."""
    async with aclosing(_lines_of_files(fs, path)) as lines:
        async for line, file in lines:
            if file not in files:
                yield line + b"\n"


async def _lines_of_files(
    fs: FileSystemInterface, path: str
) -> AsyncGenerator[tuple[bytes, str | None], None]:
    """Each line kept in ``path``, and the source file it is of: None when somebody has changed the line."""
    start, file = b"", None
    async with aclosing(_lines(fs, path)) as lines:
        async for line in lines:
            if not start or not line.startswith(start):
                try:  # of many rejects of a file, only the first has to be understood
                    file = Reject.from_json(line).file
                    start = _start_of(file)
                except ValueError:
                    start, file = b"", None
            yield line, file


def _start_of(file: str) -> bytes:
    """What ``to_json`` begins the rejects of ``file`` with."""
    return _ENCODER.encode({"file": file})[:-1].encode() + b","


async def _lines(fs: FileSystemInterface, path: str) -> AsyncGenerator[bytes, None]:
    rest = b""
    async with aclosing(fs.stream(path)) as blocks:
        async for block in blocks:
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield line
    if rest:
        yield rest


async def _chained(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for other in others:
        yield other
