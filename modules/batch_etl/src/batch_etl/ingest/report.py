"""The report of a run: its totals, what is wrong, and whether it has failed."""

import time
from collections.abc import Sequence

from batch_etl.ingest.cleaning import CleanChunk
from batch_etl.ingest.config import LoadConfig
from batch_etl.ingest.diagnosis import explain_none_valid, join_names
from batch_etl.ingest.lines import Chunk
from batch_etl.ingest.outcome import Outcome
from batch_etl.ingest.reject_log import RejectLog
from batch_etl.ingest.source import SourceFiles, shorten
from batch_etl.ingest.totals import Totals
from batch_etl.ingest.unstored_fields import FieldCounts
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
        totals: those of the files that are finished.
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
        self.totals, self._file_totals = Totals(), Totals()
        self._rejects = RejectLog(log, fields)
        self._fields, self._lines_with_fields, self._duplicates_with_fields = FieldCounts(), 0, 0
        self._changed, self._abandoned = set[str](), set[str]()
        self._unusable = set(found.unusable)
        self._reasons = dict(found.unusable)  # why files could not be read
        self._errors = list[tuple[str, str]]()
        self._failures = set[FailureKind]()

    @property
    def totals_so_far(self) -> Totals:
        """Return the totals of the files that are finished and of the current one."""
        totals = Totals()
        totals.merge(self.totals)
        totals.merge(self._file_totals)
        return totals

    def add(self, cleaned: CleanChunk, outcomes: bytes, rejects: Sequence[Reject]) -> None:
        """Add the lines of a chunk, with the ``Outcome`` of each of its rows, and all its rejects."""
        self._file_totals.add(cleaned, outcomes)
        self._progress.records += len(cleaned.chunk.lines)
        self._progress.seconds = time.monotonic() - self._started
        if rejects:
            self._progress.rejected += len(rejects)
            self._rejects.add(cleaned.chunk, rejects)
        unstored = cleaned.unstored
        if unstored.lines:
            self._lines_with_fields += unstored.lines
            found_later = sum(outcomes[index] == Outcome.DUPLICATE for index in unstored.unique)
            self._duplicates_with_fields += unstored.duplicates + found_later
            for name, lines in unstored.names():
                self._fields.add(name, lines)

    def finish_file(self, chunk: Chunk) -> bool:
        """Add the totals of a file, whose last chunk this is, to those of the run.

        Returns:
            whether its rejects replace those of earlier runs: not when it could not be read to its end.
        """
        if chunk.failure:
            self._note_failure(chunk.file, chunk.failure)
        if chunk.is_abandoned:
            self._note_abandoned(chunk.file)
        totals, self._file_totals = self._file_totals, Totals()
        self._log.debug("File complete", file=chunk.file, **totals.as_fields())
        if mismatch := totals.find_mismatch():
            self.note_mismatch(f"{chunk.file}: {mismatch}")
        self.totals.merge(totals)
        return chunk.file not in self._changed | self._unusable

    def _note_failure(self, file: str, error: FileSystemError) -> None:
        self._log.error("Cannot read file", file=file, reason=str(error))
        self._reasons[file] = str(error)
        # One that went away after it was listed is not listed again.
        can_retry = error.is_transient or isinstance(error, FileMissingError)
        (self._changed if can_retry else self._unusable).add(file)

    def _note_abandoned(self, file: str) -> None:
        self._log.error(
            "No valid line so far: the file is not read further", file=file, lines=self._file_totals.raw
        )
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
        self._rejects.close()
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
        if self._lines_with_fields:
            advice = self._config.unstored_advice
            self._log.warn(
                f"Some fields are not stored: there are columns for {join_names(self._known_fields)} only",
                fields=self._fields.as_fields(),
                lines=self._lines_with_fields,
                duplicates=self._duplicates_with_fields,
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
            rejects = self._rejects
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
