"""The rejects of shards, in temporary files beside those of the date until they become one file."""

import os
import zlib
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import replace
from tempfile import SpooledTemporaryFile

from batch_etl.ingest.reject_log import SAMPLE_BYTES, SAMPLES
from batch_etl.ingest.shards.guard import run_lock_name
from batch_etl.ingest.shards.keys import OversizeShardError
from platform_interfaces import (
    DatabaseInterface,
    FileSystemError,
    FileSystemInterface,
    Reject,
    read_rejects,
    rejects_path,
)

MAX_PACKED_BYTES = 2 * 1024 * 1024
_BLOCK_BYTES = 1024 * 1024


def shards_folder(folder: str) -> str:
    """Return the folder of the temporary files of the runs that load ``folder``."""
    return f"{rejects_path(folder).rpartition('/')[0]}/.shards"


async def remove_abandoned(db: DatabaseInterface, fs: FileSystemInterface, folder: str) -> None:
    """Remove the temporary files of runs that have ended; another living run may load the folder elsewhere.

    Raises:
        FileSystemError: when they cannot be listed or removed.
    """
    prefix = shards_folder(folder)
    for path in await fs.list(prefix):
        run_id = path.removeprefix(f"{prefix}/").partition("-")[0]
        if not await db.is_locked(run_lock_name(run_id)):
            await fs.delete(path)


async def remove_of_run(fs: FileSystemInterface, folder: str, run_id: str) -> None:
    """Remove the temporary files of a run; those that cannot be removed now are left to the next run."""
    with suppress(FileSystemError):
        for path in await fs.list(shards_folder(folder)):
            if path.startswith(f"{shards_folder(folder)}/{run_id}-"):
                await fs.delete(path)


class ShardRejects:
    """The rejects of an attempt, in the order of their lines; on disk once they are many."""

    def __init__(self, run_id: str) -> None:
        self._run_id, self._count = run_id, 0
        self._error: OSError | None = None
        self._spool = SpooledTemporaryFile(max_size=_BLOCK_BYTES)  # noqa: SIM115 - closed by close

    def add(self, rejects: Iterable[Reject]) -> None:
        """Add rejects."""
        if self._error is None:
            try:
                for reject in rejects:
                    self._spool.write(reject.to_json(self._run_id))
                    self._count += 1
            except OSError as error:
                self._error = error

    async def store(self, fs: FileSystemInterface, folder: str, shard: int) -> str | None:
        """Write them to a file of their own, and return its path; None where there are none.

        Raises:
            FileSystemError: when it cannot be written, or they could not be gathered in a temporary file.
        """
        if self._error:
            raise FileSystemError(
                f"rejected lines cannot be gathered in a temporary file: {self._error}: make room, or set "
                "TMPDIR to a directory that has room"
            ) from self._error
        if not self._count:
            return None
        # Two attempts of a shard have a file each.
        path = f"{shards_folder(folder)}/{self._run_id}-{shard:06}-{os.urandom(8).hex()}.jsonl"
        await fs.write_stream(path, self._blocks(), is_private=True)
        return path

    def pack(self) -> bytes:
        """Return what is logged of them, for ``unpack_rejects``: only the first, where they are too many."""
        logged = LoggedRejects()
        with suppress(OSError, OversizeShardError):
            self._spool.seek(0)
            for line in self._spool:
                logged.add([Reject.from_json(line)])
        return logged.pack()

    def close(self) -> None:
        """Remove the temporary file."""
        with suppress(OSError):
            self._spool.close()

    async def _blocks(self) -> AsyncGenerator[bytes, None]:
        self._spool.seek(0)
        while block := self._spool.read(_BLOCK_BYTES):
            yield block


class LoggedRejects:
    """The rejects of an attempt that stores none: what is logged of them, compressed."""

    def __init__(self, max_bytes: float = MAX_PACKED_BYTES) -> None:
        self._packer, self._packed = zlib.compressobj(level=1), list[bytes]()
        self._samples_left, self._free_bytes = SAMPLES, max_bytes

    def add(self, rejects: Iterable[Reject]) -> None:
        """Add rejects; only the first keep their lines, for a guess at the cause.

        Raises:
            OversizeShardError: when they are too many.
        """
        for reject in rejects:
            raw = reject.raw[:SAMPLE_BYTES] if reject.raw is not None and self._samples_left else None
            self._samples_left -= raw is not None
            line = replace(reject, raw=raw, header=None, reasons=reject.reasons[:1]).to_json("")
            self._packed.append(packed := self._packer.compress(line))
            self._free_bytes -= len(packed)
        if self._free_bytes < 0:
            raise OversizeShardError("the rejects are too many for one message")

    def pack(self) -> bytes:
        """Return them for ``unpack_rejects``."""
        return b"".join([*self._packed, self._packer.flush()])


def unpack_rejects(packed: bytes) -> Iterator[Reject]:
    """Yield the rejects that ``LoggedRejects`` has packed."""
    return map(Reject.from_json, zlib.decompress(packed).splitlines())


async def read_shard_rejects(
    fs: FileSystemInterface, path: str | None, packed: bytes
) -> AsyncGenerator[Reject, None]:
    """Yield the rejects of an attempt, from its file or as it has returned them.

    Raises:
        FileSystemError: when the file cannot be read.
    """
    if path is None:
        for reject in unpack_rejects(packed) if packed else ():
            yield reject
        return
    async with aclosing(read_rejects(fs, path)) as rejects:
        async for reject in rejects:
            yield reject
