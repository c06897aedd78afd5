"""The results of shards, put together file by file."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from batch_etl.ingest.file_account import FileAccount
from batch_etl.ingest.shards.reject_files import read_shard_rejects
from platform_interfaces import FileChangedError, FileSystemError, rejects_path

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection

    from batch_etl.ingest.config import LoadConfig
    from batch_etl.ingest.dry_run import NoRejectWriter
    from batch_etl.ingest.report import Report
    from batch_etl.ingest.shards.attempt import PartResult, ShardResult
    from batch_etl.ingest.shards.plan import Part, Shard
    from platform_interfaces import FileSystemInterface, Reject, RejectWriter

REJECTS_AT_ONCE = 1000


class Merge:
    """Takes the shards in their order, and reports their files as one process reads them."""

    def __init__(
        self,
        fs: FileSystemInterface,
        config: LoadConfig,
        changed: Collection[str],
        rejects: RejectWriter | NoRejectWriter,
        report: Report,
    ) -> None:
        """Take the files that were ``changed`` while they were read in parts."""
        self._fs, self._config, self._changed = fs, config, changed
        self._rejects, self._report = rejects, report
        self._file, self._lines = "", 0  # the current file, and its lines so far
        self._is_complete = self._has_hint = False
        self._unsaved: FileSystemError | None = None

    async def add(self, shard: Shard, result: ShardResult | None) -> None:
        """Add a shard; without a result, what it has of files is missing, and these are not complete."""
        if result is None:
            for part in shard.parts:
                self._open(part)
                self._is_complete = False
            return
        if result.unsaved:
            self._unsaved = FileSystemError(result.unsaved)
        kept = read_shard_rejects(self._fs, result.rejects_path, result.packed_rejects)
        async with aclosing(kept):
            for part, found in zip(shard.parts, result.parts, strict=True):
                self._open(part)
                self._is_complete &= not result.unsaved
                await self._add_rejects(kept, part, found, result.error_codes)
                if found.hint is not None and not self._has_hint:
                    self._has_hint = True
                    self._report.rejects.add_hint(part.path, found.hint)
                self._report.add_part(found.account)
                self._lines += found.account.totals.lines

    def finish(self) -> None:
        """Finish the last file, and report which rejects are missing."""
        self._close()
        if self._unsaved:
            location = self._fs.locate(rejects_path(self._config.folder))
            self._report.note_unsaved(self._unsaved, location)

    def _open(self, part: Part) -> None:
        if part.path != self._file:
            self._close()
            self._file, self._lines = part.path, 0
            self._is_complete, self._has_hint = True, False

    def _close(self) -> None:
        if not self._file:
            return
        if self._file in self._changed:
            error = FileChangedError(f"{self._file!r} was changed while it was read: read it again")
            self._report.add_part(FileAccount(failure=error))
        if self._report.finish_file(self._file) and self._is_complete:
            self._rejects.complete(self._file)
        else:
            self._rejects.discard()

    async def _add_rejects(
        self,
        kept: AsyncGenerator[Reject, None],
        part: Part,
        found: PartResult,
        error_codes: Collection[str],
    ) -> None:
        """Add the next rejects, which are those of a part, with their line numbers in the whole file."""
        shift, left = self._lines + 1 - part.within.first_number, found.rejects
        try:
            while left:
                some = [await anext(kept) for _ in range(min(left, REJECTS_AT_ONCE))]
                rejects = [replace(reject, line=reject.line + shift) for reject in some]
                self._report.rejects.add(rejects, error_codes)
                self._rejects.add(rejects)
                left -= len(some)
        except (FileSystemError, StopAsyncIteration, ValueError) as error:
            if self._unsaved is None:
                self._unsaved = FileSystemError(f"the rejects of {part.path!r} cannot be read again: {error}")
            self._is_complete = False
