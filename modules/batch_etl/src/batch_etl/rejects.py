"""Lines that are not loaded are kept, with the reasons, in the same file system."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any, Self

from batch_etl.reasons import REASONS
from platform_interfaces import FileSystemInterface

FOLDER = "rejected"
_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reject:
    """A line and why it was not loaded: keys of ``REASONS``, at least one; the first is the one counted.

    ``line`` counts from 1, ``offset`` in bytes from 0; ``raw`` is None for a line too long to be held.
    """

    file: str
    line: int
    offset: int
    raw: bytes | None
    reasons: tuple[str, ...]

    def to_json(self, run_id: str) -> bytes:
        """One line of a file of rejects; what is not UTF-8 is written as base64, under another name."""
        record: dict[str, Any] = {
            "file": self.file,
            "line": self.line,
            "offset": self.offset,
            "reasons": [{"code": code, "message": REASONS[code]} for code in self.reasons],
            "run_id": run_id,
        }
        try:
            record["raw"] = None if self.raw is None else self.raw.decode()
        except UnicodeDecodeError:
            record["raw_base64"] = b64encode(self.raw or b"").decode()
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """The reject that ``to_json`` wrote.

        Raises:
            ValueError: when the text is none, or has lost a field.
        """
        try:
            record = json.loads(text)
            raw = record.get("raw")
            encoded = raw.encode() if raw is not None else None
            if "raw_base64" in record:
                encoded = b64decode(record["raw_base64"], validate=True)
            codes = tuple(str(reason["code"]) for reason in record["reasons"])
            return cls(record["file"], int(record["line"]), int(record["offset"]), encoded, codes)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no rejected line: {error}") from error


class RejectKeeper:
    """Gathers the rejects of one source file after the other; on disk once they are many."""

    def __init__(self, fs: FileSystemInterface, run_id: str) -> None:
        self._fs, self._run_id = fs, run_id
        self._spool = SpooledTemporaryFile(max_size=_BLOCK_BYTES)  # noqa: SIM115 - closed by close()

    def add(self, rejects: Iterable[Reject]) -> None:
        """Remember ``rejects``, which come in the order of their lines."""
        self._spool.writelines(reject.to_json(self._run_id) for reject in rejects)

    async def save(self, file: str) -> None:
        """Replace what an earlier run kept for ``file`` by what was added; with nothing added, remove it."""
        if self._spool.tell():
            await self._fs.write_stream(rejects_path(file), self._blocks())
            self._spool.seek(0)
            self._spool.truncate()
        else:
            await self._fs.delete(rejects_path(file))

    def close(self) -> None:
        """Forget what was not saved."""
        self._spool.close()

    async def _blocks(self) -> AsyncIterator[bytes]:
        self._spool.seek(0)
        while block := self._spool.read(_BLOCK_BYTES):
            yield block


def rejects_path(file: str) -> str:
    """Where the rejects of ``file`` are kept: always the same, so that a rerun replaces them."""
    return f"{FOLDER}/{file}.jsonl"
