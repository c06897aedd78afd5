"""Input that a job could not load, stored with the reasons in the file system it came from."""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Self

from platform_interfaces.filesystem import FileSystemInterface, check_prefix

REJECTS_FOLDER = "rejected"
_NAME = "rejects.jsonl"
_ENCODER = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a line was rejected: a code for machines, a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Reject:
    """A line of ``file`` and why it was not loaded, the most specific reason first.

    ``line`` counts from 1, ``offset`` in bytes from 0; ``raw`` is None for a line that is too long to store.
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
        """Return the reject that ``to_json`` wrote.

        Raises:
            ValueError: when the text is not a reject, or has lost a field.
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
            raise ValueError(f"this is not a rejected line: {type(error).__name__}: {error}") from error


def _encode(name: str, content: bytes | None) -> dict[str, str | None]:
    try:
        return {name: None if content is None else content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": b2a_base64(content or b"", newline=False).decode()}


def _decode(record: dict[str, Any], name: str) -> bytes | None:
    """Return what ``_encode`` wrote; text wins over base64, for a user may have put it there instead."""
    if record.get(name) is not None:
        return _text(record[name]).encode()
    encoded = record.get(f"{name}_base64")
    return None if encoded is None else a2b_base64(encoded, strict_mode=True)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"it must be text, not {type(value).__name__}")
    return value


def rejects_path(folder: str) -> str:
    """Return the path of the rejects of the files in ``folder`` and below."""
    return f"{REJECTS_FOLDER}/{folder}/{_NAME}" if folder else f"{REJECTS_FOLDER}/{_NAME}"


async def find_rejects(fs: FileSystemInterface, prefix: str) -> AsyncGenerator[Reject, None]:
    """Yield the rejects of the source file ``prefix``, or of all files below it, in constant memory.

    Raises:
        InvalidPathError: when ``prefix`` can never be a path.
        FileSystemError: when a file of rejects cannot be read.
        ValueError: after all others of the same file of rejects, when a line is not a reject.
    """
    prefix = check_prefix(prefix)
    for path in [*await _find_above(fs, prefix), *await _find_below(fs, prefix)]:
        async with aclosing(read_rejects(fs, path)) as rejects:
            async for reject in rejects:
                if _is_below(reject.file, prefix):
                    yield reject


async def drop_rejects(fs: FileSystemInterface, prefix: str) -> set[str]:
    """Delete the rejects of the source file ``prefix``, or of all files below it; return the files.

    What is stored for a folder below is deleted as a whole, also lines that are not rejects; where there is
    nothing else, its own path stands for the file.

    Raises:
        InvalidPathError: when ``prefix`` can never be a path.
        FileSystemError: when a file of rejects cannot be read or written.
    """
    prefix = check_prefix(prefix)
    dropped = set[str]()
    for path in await _find_above(fs, prefix):
        files = {file for file in await _files_in(fs, path) if _is_below(file, prefix)}
        if files:
            async with aclosing(lines_without(fs, path, files)) as others:
                await replace_rejects(fs, path, others)
        dropped |= files
    for path in await _find_below(fs, prefix):
        dropped |= await _files_in(fs, path) or {path}
        await fs.delete(path)
    return dropped


async def read_rejects(fs: FileSystemInterface, path: str) -> AsyncGenerator[Reject, None]:
    """Yield the rejects in the file ``path``, in constant memory.

    Raises:
        FileSystemError: when it cannot be read.
        ValueError: after all others, when a line is not a reject because it was edited; names the path and
            the first such line.
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


async def replace_rejects(fs: FileSystemInterface, path: str, content: AsyncGenerator[bytes, None]) -> None:
    """Replace a file of rejects in one step, or delete it where ``content`` is empty.

    Raises:
        FileSystemError: when it cannot be written; then the old content stands.
    """
    if first := await anext(content, b""):
        await fs.write_stream(path, _chain(first, content), is_private=True)
    else:
        await fs.delete(path)


async def lines_without(
    fs: FileSystemInterface, path: str, files: Collection[str]
) -> AsyncGenerator[bytes, None]:
    """Yield the lines of a file of rejects as they are, without those of the source files ``files``.

    Raises:
        FileSystemError: when it cannot be read.
    """
    async with aclosing(_lines_of_files(fs, path)) as lines:
        async for line, file in lines:
            if file not in files:
                yield line + b"\n"


async def _find_above(fs: FileSystemInterface, prefix: str) -> list[str]:
    """Return the files of rejects that may have some of the file ``prefix`` among others."""
    parts = prefix.split("/") if prefix else []
    above = [rejects_path("/".join(parts[:count])) for count in range(len(parts))]
    return [path for path in above if await fs.exists(path)]


async def _find_below(fs: FileSystemInterface, prefix: str) -> list[str]:
    """Return the files of rejects that have only those of files below the folder ``prefix``."""
    found = await fs.list(f"{REJECTS_FOLDER}/{prefix}" if prefix else REJECTS_FOLDER)
    return [path for path in found if path.rpartition("/")[2] == _NAME]


def _is_below(file: str, prefix: str) -> bool:
    return not prefix or file == prefix or file.startswith(f"{prefix}/")


async def _files_in(fs: FileSystemInterface, path: str) -> set[str]:
    async with aclosing(_lines_of_files(fs, path)) as lines:
        return {file async for _, file in lines if file is not None}


async def _lines_of_files(
    fs: FileSystemInterface, path: str
) -> AsyncGenerator[tuple[bytes, str | None], None]:
    """Yield each line of ``path`` and the source file it is of: None where it is not a reject."""
    async with aclosing(_lines(fs, path)) as lines:
        async for _, line in lines:
            try:
                file = Reject.from_json(line).file
            except ValueError:
                file = None
            yield line, file


async def _lines(fs: FileSystemInterface, path: str) -> AsyncGenerator[tuple[int, bytes], None]:
    """Yield the number of each line that is not blank, and the line."""
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


async def _chain(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for other in others:
        yield other
