"""The report of a run: its totals, what is wrong, and whether it has failed."""

import time
from collections.abc import Sequence

from batch_etl.ingest.cleaning import CleanChunk
from batch_etl.ingest.config import LoadConfig
from batch_etl.ingest.diagnosis import explain_none_valid, join_names
from batch_etl.ingest.file_account import FileAccount
from batch_etl.ingest.lines import Chunk
from batch_etl.ingest.reject_log import RejectLog, find_hint
from batch_etl.ingest.source import SourceFiles, shorten
from batch_etl.ingest.totals import Totals
from platform_interfaces import (
    FailureKind,
    FileMissingError,
    FileSystemError,
    LoggingInterface,
    Progress,
    Reject,
)

_BY_IMPORTANCE = (
    FailureKind.TOTALS_MISMATCH,
    FailureKind.REJECTS_NOT_SAVED,
    FailureKind.NONE_VALID,
    FailureKind.UNREADABLE_INPUT,
    FailureKind.INPUT_CHANGED,
    FailureKind.NO_INPUT,
    FailureKind.TOO_MANY_REJECTED,
    FailureKind.TOO_FEW_VALID,
)
"""What makes a load untrustworthy, then what it lacks, each cause before what follows from it."""


class Report:
    """Adds up what becomes of the lines of a run, and logs what the user should know of it.

    Attributes:
        rejects: the log of rejected lines.
        nothing_read: why there was nothing to load, though that is not a failure; empty where there was.
    """

    def __init__(
        self,
        log: LoggingInterface,
        config: LoadConfig,
        found: SourceFiles,
        fields: Sequence[str],
        progress: Progress,
    ) -> None:
        self._log, self._config, self._absence, self._known_fields = log, config, found.absence, fields
        self._progress, self.nothing_read = progress, ""
        self._started = time.monotonic()
        self._account, self._file, self._pending = FileAccount(), FileAccount(), Totals()
        self.rejects = RejectLog(log)
        self._framed = ""
        self._changed, self._abandoned = set[str](), set[str]()
        self._unusable = set(found.unusable)
        self._reasons = dict(found.unusable)  # why files could not be read
        self._errors = list[tuple[str, str]]()
        self._failures = set[FailureKind]()

    @property
    def totals_so_far(self) -> Totals:
        """Return the totals of the files that are finished and of the current one, or of finished shards."""
        totals = Totals()
        totals.merge(self._pending)
        totals.merge(self.totals)
        totals.merge(self._file.totals)
        return totals

    @property
    def totals(self) -> Totals:
        """Return the totals of the files that are finished."""
        return self._account.totals

    def add(self, cleaned: CleanChunk, outcomes: bytes, rejects: Sequence[Reject]) -> None:
        """Add the lines of a chunk, with the ``Outcome`` of each of its rows, and all its rejects."""
        self._file.add(cleaned, outcomes)
        self.note_progress(len(cleaned.chunk.lines), len(rejects))
        if rejects:
            self.rejects.add(rejects)
            self._note_framing(cleaned.chunk, rejects)

    def add_part(self, account: FileAccount) -> None:
        """Add a part of the current file; its rejects and its progress are noted by themselves."""
        self._file.merge(account)

    def note_shard(self, totals: Totals) -> None:
        """Note the totals of a shard, whose parts are added later."""
        self._pending.merge(totals)
        self.note_progress(totals.lines, totals.invalid.total())

    def begin_merge(self) -> None:
        """Begin to add the parts of all shards."""
        self._pending = Totals()

    def settle(self, *, inserted: int = 0, skipped: int = 0, not_written: int = 0) -> None:
        """Set what only the table, or all attempts together, can say of the valid lines."""
        self.totals.count_unique(inserted, skipped, not_written)
        if self.totals.duplicates < self._account.near_duplicates:
            found, left = self._account.near_duplicates, self.totals.duplicates
            self.note_mismatch(f"{found} duplicates were found near each other, but only {left} are left")

    def note_progress(self, lines: int, rejected: int) -> None:
        """Note that so many more lines were read."""
        self._progress.records += lines
        self._progress.rejected += rejected
        self._progress.seconds = time.monotonic() - self._started

    def _note_framing(self, chunk: Chunk, rejects: Sequence[Reject]) -> None:
        if self._framed != chunk.file and (hint := find_hint(chunk, rejects, self._known_fields)) is not None:
            self._framed = chunk.file  # once for a file, also when nothing is recognised
            self.rejects.add_hint(chunk.file, hint)

    def finish_file(self, file: str) -> bool:
        """Add the account of a file, all of which has been added, to that of the run.

        Returns:
            whether its rejects replace those of earlier runs: not when it could not be read to its end.
        """
        account, self._file = self._file, FileAccount()
        if account.failure:
            self._note_failure(file, account.failure)
        if account.is_abandoned:
            self._note_abandoned(file, account.totals.raw)
        self._log.debug("File complete", file=file, **account.totals.as_fields())
        if mismatch := account.totals.find_mismatch():
            self.note_mismatch(f"{file}: {mismatch}")
        self._account.merge(account)
        return file not in self._changed | self._unusable

    def _note_failure(self, file: str, error: FileSystemError) -> None:
        self._log.error("Cannot read file", file=file, reason=str(error))
        self._reasons[file] = str(error)
        # One that went away after it was listed is not listed again.
        can_retry = error.is_transient or isinstance(error, FileMissingError)
        (self._changed if can_retry else self._unusable).add(file)

    def _note_abandoned(self, file: str, lines: int) -> None:
        self._log.error("No valid line so far: the file is not read further", file=file, lines=lines)
        self._abandoned.add(file)

    def note_unsaved(self, error: FileSystemError, location: str) -> None:
        """Log that rejects could not be saved at ``location``; the run has failed if it had some."""
        text = str(error)  # the adapter may have named the location already
        reason = text if self._config.folder in text else f"{text} ({location})"
        if self.totals.invalid:
            self._errors.append(("Rejected lines could not be kept", reason))
            self._failures.add(FailureKind.REJECTS_NOT_SAVED)
        else:
            self._log.warn("What earlier runs have rejected could not be updated", reason=reason)

    def note_mismatch(self, reason: str) -> None:
        """Note why the totals do not fit what was read, or what the table has; the run has failed."""
        self._errors.append(("The totals do not add up", reason))
        self._failures.add(FailureKind.TOTALS_MISMATCH)

    def conclude(self) -> list[FailureKind]:
        """Log what is wrong and return why the run fails, the most important first; empty if it does not."""
        log, totals = self._log, self.totals
        self.rejects.close()
        log.info("Validation complete", valid=totals.valid, invalid=totals.invalid.total())
        log.info(
            "Deduplication complete", before=totals.valid, after=totals.unique, duplicates=totals.duplicates
        )
        self._warn_of_fields()
        self._log_files()
        self._log_limits()
        for message, reason in self._errors:
            log.error(message, reason=reason)
        self._log_emptiness()
        return sorted(self._failures, key=_BY_IMPORTANCE.index)

    def _warn_of_fields(self) -> None:
        account = self._account
        if account.lines_with_fields:
            advice = self._config.unstored_advice
            self._log.warn(
                f"Some fields are not stored: there are columns for {join_names(self._known_fields)} only",
                fields=account.fields.as_fields(),
                lines=account.lines_with_fields,
                duplicates=account.duplicates_with_fields,
                **({"advice": advice} if advice else {}),
            )

    def _log_files(self) -> None:
        unreadable, changed = FailureKind.UNREADABLE_INPUT, FailureKind.INPUT_CHANGED
        groups = (
            (self._changed, changed, "Some files changed while they were read: run again"),
            (self._unusable, unreadable, "Some files could not be loaded: repair, replace or remove them"),
            (
                self._abandoned,
                unreadable,
                "Some files were not read to their end, for they have no valid line",
            ),
        )
        for files, kind, message in groups:
            if files:
                self._failures.add(kind)
                first, others = min(files), len(files) - 1
                named = f"{first} and {others:,} more" if others else first
                reason = f"{named}: {self._reasons[first]}" if first in self._reasons else named
                self._log.error(message, files=shorten(sorted(files)), count=len(files), reason=reason)

    def _log_limits(self) -> None:
        config, totals = self._config, self.totals
        rejected = totals.invalid.total()
        if config.max_rejected.is_exceeded(rejected, totals.raw):
            self._failures.add(FailureKind.TOO_MANY_REJECTED)
            reason = f"{_describe_share(rejected, totals.raw)}, more than {config.max_rejected}"
            self._log.error("Too many lines were rejected", reason=reason)
        if config.min_valid.is_missed(totals.valid, totals.raw):
            self._failures.add(FailureKind.TOO_FEW_VALID)
            reason = f"{_describe_share(totals.valid, totals.raw)}, fewer than {config.min_valid}"
            self._log.error("Too few lines are valid", reason=reason)

    def _log_emptiness(self) -> None:
        """Log that there was no line, or none that is valid."""
        config, totals = self._config, self.totals
        if config.is_retry:
            if not totals.raw:
                self.nothing_read = self._absence
                self._log.warn("No rejected lines found", date=config.date, reason=self._absence)
        elif not totals.raw and not (self._changed or self._unusable):
            reason = self._absence or f"the files of {config.folder!r} have no line that is not blank"
            self.nothing_read = reason
            if not config.allows_empty:
                self._failures.add(FailureKind.NO_INPUT)
            log = self._log.warn if config.allows_empty else self._log.error
            log("No raw data found", date=config.date, source_path=config.source_path, reason=reason)
        elif totals.raw and not totals.valid and not config.min_valid.allows_none:
            rejects = self.rejects
            reason = explain_none_valid(
                totals.invalid,
                rejects.samples,
                rejects.hint,
                self._known_fields,
                is_complete=not self._abandoned,
            )
            self._failures.add(FailureKind.NONE_VALID)
            self._log.error("No line is valid", reason=reason)


def _describe_share(count: int, lines: int) -> str:
    share = f" ({100 * count / lines:.4g}%)" if lines else ""
    return f"{count:,} of {lines:,} lines{share}"
