"""Input that a job could not load is kept, with the reasons, in the file system it came from."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Self

from platform_interfaces.errors import FileMissingError, FileSystemError
from platform_interfaces.filesystem import FileSystemInterface, check_prefix

_ENCODER = json.JSONEncoder(ensure_ascii=False)
REJECTS_FOLDER = "rejected"
_SUFFIX = ".jsonl"
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
            reasons = tuple(
                Reason(_text(reason["code"]), _text(reason["message"])) for reason in record["reasons"]
            )
            return cls(_text(record["file"]), int(record["line"]), int(record["offset"]), raw, reasons)
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"this is no rejected line: {type(error).__name__}: {error}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is wanted, not {type(value).__name__}")
    return value


class RejectKeeper:
    """Gathers the rejects of the files of one folder, one file after the other; on disk once they are many.

    Use it in an ``async with`` block. At its end, also when an exception leaves it, what was added for each
    complete file replaces what earlier runs have kept for it, and what they have kept for other files stays.
    The file that all of it is in is replaced in one step.
    """

    def __init__(self, fs: FileSystemInterface, folder: str, run_id: str) -> None:
        self._fs, self._folder, self._run_id = fs, folder, run_id
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
            if self._complete:
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
        path = rejects_path(self._folder)
        # Only now, for another run, into another table, may have kept something meanwhile. Earlier versions
        # had a path for each source file, which go when all of them are in the one.
        kept = await list_rejects(self._fs, self._folder)
        if not self._size and not kept:
            return
        async with aclosing(self._content(kept)) as content:
            first = await anext(content, b"")
            if first:
                await self._fs.write_stream(path, _chained(first, content), is_private=True)
        for old in kept:
            if old != path or not first:
                await self._fs.delete(old)

    async def _content(self, kept: Sequence[str]) -> AsyncGenerator[bytes, None]:
        self._spool.seek(0)
        while block := self._spool.read(_BLOCK_BYTES):
            yield block
        for path in kept:
            with suppress(FileMissingError):  # somebody has dropped it meanwhile
                async with aclosing(_without(self._fs, path, self._complete)) as lines:
                    async for line in lines:
                        yield line


def rejects_path(folder: str) -> str:
    """Where the rejects of the files in ``folder`` and below are kept."""
    return f"{REJECTS_FOLDER}/{folder}/rejects{_SUFFIX}" if folder else f"{REJECTS_FOLDER}/rejects{_SUFFIX}"


async def find_rejects(fs: FileSystemInterface, prefix: str) -> AsyncGenerator[Reject, None]:
    """What is kept of the source file ``prefix``, or of all those below it, one by one, in constant memory.

    Raises:
        InvalidPathError: when ``prefix`` can be no path.
        FileSystemError: when what is kept cannot be read.
        ValueError: after all others, when somebody has changed a line; see ``read_rejects``.
    """
    is_wanted = _is_below(prefix)
    for path in await _find_kept(fs, prefix):
        async with aclosing(read_rejects(fs, path)) as rejects:
            async for reject in rejects:
                if is_wanted(reject.file):
                    yield reject


async def drop_rejects(fs: FileSystemInterface, prefix: str) -> set[str]:
    """Forget what is kept of the source file ``prefix``, or of all those below it; the files that had some.

    A line that somebody has changed goes with the last of the others in its place.

    Raises:
        InvalidPathError: when ``prefix`` can be no path.
        FileSystemError: when what is kept cannot be read or written.
    """
    is_dropped, all_dropped = _is_below(prefix), set[str]()
    for path in await _find_kept(fs, prefix):
        async with aclosing(_lines_of_files(fs, path)) as lines:
            files = {file async for _, file in lines}
        if dropped := {file for file in files if file is not None and is_dropped(file)}:
            if dropped == files - {None}:
                await fs.delete(path)
            else:
                await fs.write_stream(path, _without(fs, path, dropped), is_private=True)
        all_dropped |= dropped
    return all_dropped


async def read_rejects(fs: FileSystemInterface, path: str) -> AsyncGenerator[Reject, None]:
    """The rejects kept in ``path``, one by one, in constant memory.

    Raises:
        FileSystemError: when it cannot be read.
        ValueError: after all others, when a line is no reject, for somebody has changed it; it names the path
            and the first such line.
    """
    number, first_error = 0, ""
    async with aclosing(_lines(fs, path)) as lines:
        async for line in lines:
            number += 1
            try:
                reject = Reject.from_json(line)
            except ValueError as error:
                first_error = first_error or f"line {number} of {path!r}: {error}"
            else:
                yield reject
    if first_error:
        raise ValueError(first_error)


async def _find_kept(fs: FileSystemInterface, prefix: str) -> list[str]:
    """The paths where rejects of the source file ``prefix``, or of those below it, may be."""
    parts = prefix.rstrip("/").split("/")
    above = [rejects_path("/".join(parts[:count])) for count in range(len(parts))] if prefix else []
    return [*[path for path in above if await fs.exists(path)], *await list_rejects(fs, prefix)]


async def list_rejects(fs: FileSystemInterface, folder: str) -> list[str]:
    """The paths where rejects of files in ``folder`` and below are kept."""
    found = await fs.list(f"{REJECTS_FOLDER}/{folder}" if folder else REJECTS_FOLDER)
    return [path for path in found if path.endswith(_SUFFIX)]


def _is_below(prefix: str) -> Callable[[str], bool]:
    folder = check_prefix(prefix)
    return lambda file: not folder or file == folder or file.startswith(f"{folder}/")


async def _without(fs: FileSystemInterface, path: str, files: Collection[str]) -> AsyncGenerator[bytes, None]:
    """The lines kept in ``path``, as they are, but those of ``files``."""
    async with aclosing(_lines_of_files(fs, path)) as lines:
        async for line, file in lines:
            if file not in files:
                yield line + b"\n"


async def _lines_of_files(
    fs: FileSystemInterface, path: str
) -> AsyncGenerator[tuple[bytes, str | None], None]:
    """Each line kept in ``path``, and the source file it is of: None when it is no reject."""
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
