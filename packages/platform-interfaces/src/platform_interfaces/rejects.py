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
_NAME = "rejects.jsonl"
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
    ``header`` is the line of the file that names the fields of all others, where its format has one: without
    it, ``raw`` could not be read again.
    """

    file: str
    line: int
    offset: int
    raw: bytes | None
    reasons: tuple[Reason, ...]
    header: bytes | None = None

    def to_json(self, run_id: str) -> bytes:
        """Return a line of a file of rejects; what is not UTF-8 is in ``raw_base64`` instead of ``raw``."""
        record: dict[str, Any] = {
            "file": self.file,
            "line": self.line,
            "offset": self.offset,
            "reasons": [{"code": reason.code, "message": reason.message} for reason in self.reasons],
            "run_id": run_id,
        }
        record |= _encode("raw", self.raw)
        if self.header is not None:
            record |= _encode("header", self.header)
        return _ENCODER.encode(record).encode() + b"\n"

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """The reject that ``to_json`` wrote.

        Raises:
            ValueError: when the text is none, or has lost a field.
        """
        try:
            record = json.loads(text)
            raw = _decode(record, "raw")
            if raw is None and "raw" not in record:
                raise KeyError("raw")
            reasons = tuple(
                Reason(_text(reason["code"]), _text(reason["message"])) for reason in record["reasons"]
            )
            return cls(
                file=_text(record["file"]),
                line=int(record["line"]),
                offset=int(record["offset"]),
                raw=raw,
                reasons=reasons,
                header=_decode(record, "header"),
            )
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"this is no rejected line: {type(error).__name__}: {error}") from error


def _encode(name: str, content: bytes | None) -> dict[str, str | None]:
    try:
        return {name: None if content is None else content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": b64encode(content or b"").decode()}


def _decode(record: dict[str, Any], name: str) -> bytes | None:
    """Return what ``_encode`` wrote; text wins over base64, for a user may have put it there instead."""
    if record.get(name) is not None:
        return _text(record[name]).encode()
    encoded = record.get(f"{name}_base64")
    return None if encoded is None else b64decode(encoded, validate=True)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is wanted, not {type(value).__name__}")
    return value


class RejectWriter:
    """Gathers the rejects of the files of one folder, one file after the other; on disk once they are many.

    Use it in an ``async with`` block, and call ``save`` at its end. What was added for each complete file
    replaces what earlier runs have kept for it, and what they have kept for other files stays. The file that
    all of it is in is replaced in one step. An exception that leaves the block saves as much as it can.
    """

    def __init__(self, fs: FileSystemInterface, folder: str, run_id: str) -> None:
        self._fs, self._path, self._run_id = fs, rejects_path(folder), run_id
        # Not at the top: it is slow to import, and the interfaces are imported for every `--help`.
        from tempfile import SpooledTemporaryFile

        self._spool = SpooledTemporaryFile(max_size=_BLOCK_BYTES)  # noqa: SIM115 - closed by __aexit__
        self._size = 0  # of what was added for complete files
        self._complete: set[str] = set()
        self._failure: OSError | None = None  # of the temporary file
        self._is_saved = False

    async def __aenter__(self) -> Self:
        """Nothing is done yet."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Save what was added for complete files, unless ``save`` was called.

        Raises:
            FileSystemError: when it cannot be saved, unless another exception is on its way.
        """
        try:
            await self.save()
        except FileSystemError:
            if kind is None:
                raise
        finally:
            with suppress(OSError):  # what could not be written cannot be written now, either
                self._spool.close()

    def add(self, rejects: Iterable[Reject]) -> None:
        """Remember ``rejects``, which come in the order of their lines."""
        self._try(lambda: self._spool.writelines(reject.to_json(self._run_id) for reject in rejects))

    def complete(self, file: str) -> None:
        """What was added since the last ``complete`` or ``discard`` is all that ``file`` has."""
        self._size = self._spool.tell()
        self._complete.add(file)

    def discard(self) -> None:
        """Forget what was added since the last ``complete``."""
        self._try(lambda: (self._spool.seek(self._size), self._spool.truncate()))

    async def save(self) -> None:
        """Save what was added for complete files; doing it again does nothing.

        When it fails, what earlier runs have kept is as it was.

        Raises:
            FileSystemError: when it cannot be saved, or could not be gathered in a temporary
                file; the error names the directory.
        """
        if self._is_saved:
            return
        self._is_saved = True
        self.discard()
        if self._failure:
            raise FileSystemError(_describe_temporary(self._failure)) from self._failure
        if self._complete:
            await self._save()

    def _try(self, action: Callable[[], object]) -> None:
        """Act on the temporary file, unless that has failed before: what was added is not whole any more."""
        if self._failure is None:
            try:
                action()
            except OSError as error:
                self._failure = error

    async def _save(self) -> None:
        async with aclosing(self._content()) as content:
            if first := await anext(content, b""):
                await self._fs.write_stream(self._path, _chained(first, content), is_private=True)
            else:
                await self._fs.delete(self._path)

    async def _content(self) -> AsyncGenerator[bytes, None]:
        self._spool.seek(0)
        while block := self._spool.read(_BLOCK_BYTES):
            yield block
        with suppress(FileMissingError):
            async with aclosing(_without(self._fs, self._path, self._complete)) as lines:
                async for line in lines:
                    yield line


def rejects_path(folder: str) -> str:
    """Where the rejects of the files in ``folder`` and below are kept."""
    return f"{REJECTS_FOLDER}/{folder}/{_NAME}" if folder else f"{REJECTS_FOLDER}/{_NAME}"


async def find_rejects(fs: FileSystemInterface, prefix: str) -> AsyncGenerator[Reject, None]:
    """What is kept of the source file ``prefix``, or of all those below it, one by one, in constant memory.

    Raises:
        InvalidPathError: when ``prefix`` can be no path.
        FileSystemError: when what is kept cannot be read.
        ValueError: when somebody has changed a line; see ``read_rejects``.
    """
    prefix = check_prefix(prefix)
    for path in [*await _kept_above(fs, prefix), *await _kept_below(fs, prefix)]:
        async with aclosing(read_rejects(fs, path)) as rejects:
            async for reject in rejects:
                if _is_below(reject.file, prefix):
                    yield reject


async def drop_rejects(fs: FileSystemInterface, prefix: str) -> set[str]:
    """Forget what is kept of the source file ``prefix``, or of all those below it; the files that had some.

    What is kept for a folder below goes as a whole, with lines that somebody has changed; it is told by its
    own path when it has nothing else.

    Raises:
        InvalidPathError: when ``prefix`` can be no path.
        FileSystemError: when what is kept cannot be read or written.
    """
    prefix = check_prefix(prefix)
    dropped = set[str]()
    for path in await _kept_above(fs, prefix):
        files = {file for file in await _files_in(fs, path) if _is_below(file, prefix)}
        if files:
            async with aclosing(_without(fs, path, files)) as others:
                if first := await anext(others, b""):
                    await fs.write_stream(path, _chained(first, others), is_private=True)
                else:
                    await fs.delete(path)
        dropped |= files
    for path in await _kept_below(fs, prefix):
        dropped |= await _files_in(fs, path) or {path}
        await fs.delete(path)
    return dropped


async def read_rejects(fs: FileSystemInterface, path: str) -> AsyncGenerator[Reject, None]:
    """The rejects kept in ``path``, one by one, in constant memory.

    Raises:
        FileSystemError: when it cannot be read.
        ValueError: after all others, when a line is no reject, for somebody has changed it; it names the path
            and the first such line.
    """
    first_error = ""
    async with aclosing(_lines(fs, path)) as lines:
        async for number, line in lines:
            try:
                reject = Reject.from_json(line)
            except ValueError as error:
                first_error = first_error or f"line {number} of {path!r}: {error}"
            else:
                yield reject
    if first_error:
        raise ValueError(first_error)


async def _kept_above(fs: FileSystemInterface, prefix: str) -> list[str]:
    """The paths where rejects of the file ``prefix``, among others, may be kept."""
    parts = prefix.split("/") if prefix else []
    above = [rejects_path("/".join(parts[:count])) for count in range(len(parts))]
    return [path for path in above if await fs.exists(path)]


async def _kept_below(fs: FileSystemInterface, prefix: str) -> list[str]:
    """The paths where rejects of nothing but files below the folder ``prefix`` are kept."""
    found = await fs.list(f"{REJECTS_FOLDER}/{prefix}" if prefix else REJECTS_FOLDER)
    return [path for path in found if path.rpartition("/")[2] == _NAME]


def _is_below(file: str, prefix: str) -> bool:
    return not prefix or file == prefix or file.startswith(f"{prefix}/")


async def _files_in(fs: FileSystemInterface, path: str) -> set[str]:
    async with aclosing(_lines_of_files(fs, path)) as lines:
        return {file async for _, file in lines if file is not None}


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
    async with aclosing(_lines(fs, path)) as lines:
        async for _, line in lines:
            try:
                file = Reject.from_json(line).file
            except ValueError:
                file = None
            yield line, file


async def _lines(fs: FileSystemInterface, path: str) -> AsyncGenerator[tuple[int, bytes], None]:
    """The number of each line that is not blank, and the line."""
    number, rest = 0, b""
    async with aclosing(fs.stream(path)) as blocks:
        async for block in blocks:
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                number += 1
                if line.strip():
                    yield number, line
    if rest.strip():
        yield number + 1, rest


def _describe_temporary(error: OSError) -> str:
    from tempfile import gettempdir

    try:
        directory = repr(gettempdir())
    except OSError:  # there is none
        directory = "the directory for temporary files"
    return (
        f"rejected lines are gathered in a temporary file in {directory}, which cannot be written: "
        f"{error.strerror or error}: make room there, or set TMPDIR to a directory that has room"
    )


async def _chained(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for other in others:
        yield other
