"""The account of a run: where each line has gone, what is wrong, and the exit code."""

from collections.abc import Sequence

from batch_etl.guess import explain_none_valid
from batch_etl.job import Job
from batch_etl.preparation import Prepared
from batch_etl.reject_log import RejectLog
from batch_etl.source import SourceFiles, shorten
from batch_etl.sums import Sums
from batch_etl.unknown_fields import FieldCounts
from batch_etl.writer import Outcome
from platform_interfaces import FileMissingError, FileSystemError, LoggingInterface, Reject

MAX_LINES_WITHOUT_VALID = 10_000  # of a file; then it is not read further


class Account:
    """Adds up what becomes of the lines of a run, and logs what the user should know of it.

    Attributes:
        totals: the sums of the files that are finished.
    """

    def __init__(self, log: LoggingInterface, job: Job, found: SourceFiles) -> None:
        self._log, self._job, self._absence = log, job, found.absence
        self.totals, self._file_totals = Sums(), Sums()
        self._rejects = RejectLog(log)
        self._fields, self._lines_with_fields, self._duplicates_with_fields = FieldCounts(), 0, 0
        self._changed, self._hopeless = set[str](), set[str]()
        self._unusable = set(found.unusable)
        self._reasons = dict(found.unusable)  # why files could not be read
        self._errors = list[tuple[str, str]]()

    @property
    def totals_so_far(self) -> Sums:
        """The sums of the files that are finished, and of the one that is not."""
        totals = Sums()
        totals.merge(self.totals)
        totals.merge(self._file_totals)
        return totals

    def add(self, prepared: Prepared, outcomes: bytes, rejects: Sequence[Reject]) -> None:
        """Account for one chunk, with the ``Outcome`` of each of its unique events, and all its rejects."""
        self._file_totals.add(prepared, outcomes)
        if rejects:
            self._rejects.add(prepared.chunk, rejects)
        unknown = prepared.unknown
        if unknown.lines:
            self._lines_with_fields += unknown.lines
            written = sum(outcomes[index] == Outcome.DUPLICATE for index in unknown.unique)
            self._duplicates_with_fields += unknown.duplicates + written
            for name, lines in unknown.names():
                self._fields.add(name, lines)

    def finish_file(self, file: str) -> bool:
        """Add the account of a file to that of the run; whether its rejects are to be kept."""
        totals, self._file_totals = self._file_totals, Sums()
        self._log.debug("File complete", file=file, **totals.as_fields())
        if mismatch := totals.mismatch(is_dry_run=self._job.is_dry_run):
            self.note_mismatch(f"{file}: {mismatch}")
        self.totals.merge(totals)
        return file not in self._changed | self._unusable

    def note_unreadable(self, file: str, error: FileSystemError) -> None:
        """Log why a file cannot be read to its end."""
        self._log.error("Cannot read file", file=file, reason=str(error))
        self._reasons[file] = str(error)
        # One that went away after it was listed is not listed again.
        can_retry = error.is_transient or isinstance(error, FileMissingError)
        (self._changed if can_retry else self._unusable).add(file)

    def note_hopeless(self, file: str) -> None:
        """Log that a file is not read further, for it has no valid line."""
        self._log.error(
            "No valid line so far: the file is not read further", file=file, lines=MAX_LINES_WITHOUT_VALID
        )
        self._hopeless.add(file)

    def note_unsaved(self, error: FileSystemError, place: str) -> None:
        """Log that rejects could not be saved at ``place``; the run has failed if it had some."""
        advice = "FS_LOCAL_REJECTS_ROOT can name another directory for rejects"
        reason = f"{error} ({place!r}; {advice})"
        if self.totals.invalid:
            self._errors.append(("Rejected lines could not be kept", reason))
        else:
            self._log.warn("What earlier runs have rejected could not be updated", reason=reason)

    def note_mismatch(self, reason: str) -> None:
        """Remember why the account does not fit what was read, or what the table has; the run has failed."""
        self._errors.append(("The sums do not add up", reason))

    def conclude(self) -> int:
        """Log the totals, the last event of a run; return the exit code."""
        log, totals = self._log, self.totals
        self._rejects.close()
        log.info("Validation complete", valid=totals.valid, invalid=totals.invalid.total())
        log.info(
            "Deduplication complete", before=totals.valid, after=totals.unique, duplicates=totals.duplicates
        )
        self._warn_of_fields()
        is_failed = self._log_files() | self._log_limits()
        for message, reason in self._errors:
            log.error(message, reason=reason)
        is_failed |= self._log_emptiness()
        log.info("Batch ETL complete", **totals.as_fields())
        return 1 if is_failed or self._errors else 0

    def _warn_of_fields(self) -> None:
        if self._lines_with_fields:
            self._log.warn(
                "Some fields are not stored: there are columns for event_type, payload and source only",
                fields=self._fields.as_fields(),
                lines=self._lines_with_fields,
                duplicates=self._duplicates_with_fields,
                advice="--unknown-fields reject keeps such lines aside, ignore says that this is meant",
            )

    def _log_files(self) -> bool:
        groups = (
            (self._changed, "Some files changed while they were read: run again"),
            (self._unusable, "Some files could not be loaded: repair, replace or remove them"),
            (self._hopeless, "Some files were not read to their end, for they have no valid line"),
        )
        for files, message in groups:
            if files:
                first = min(files)
                why = {"reason": self._reasons[first]} if first in self._reasons else {}
                self._log.error(message, files=shorten(sorted(files)), count=len(files), **why)
        return any(files for files, _ in groups)

    def _log_limits(self) -> bool:
        job, totals = self._job, self.totals
        rejected = totals.invalid.total()
        if too_many := job.max_rejected.is_exceeded(rejected, totals.raw):
            self._log.error("Too many lines were rejected", rejected=rejected, limit=str(job.max_rejected))
        if too_few := job.min_valid.is_missed(totals.valid, totals.raw):
            self._log.error("Too few lines are valid", valid=totals.valid, limit=str(job.min_valid))
        return too_many or too_few

    def _log_emptiness(self) -> bool:
        """Log that there was no line, or none that is valid; whether the run has failed for it."""
        job, totals = self._job, self.totals
        if job.is_retry:
            if not totals.raw:
                self._log.warn("No rejected lines found", date=job.date, reason=self._absence)
            return False
        if not totals.raw and not (self._changed or self._unusable):
            reason = self._absence or f"the files of {job.folder!r} have no line that is not blank"
            log = self._log.warn if job.allows_empty else self._log.error
            log("No raw data found", date=job.date, source_path=job.source_path, reason=reason)
            return not job.allows_empty
        if totals.raw and not totals.valid and not job.min_valid.allows_none:
            rejects = self._rejects
            reason = explain_none_valid(
                totals.invalid, rejects.samples, rejects.hint, is_stopped=bool(self._hopeless)
            )
            self._log.error("No line is valid", reason=reason)
            return True
        return False
