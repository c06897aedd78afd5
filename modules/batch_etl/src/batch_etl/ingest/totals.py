"""The totals of a run: where every line has gone."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from batch_etl.ingest.cleaning import CleanChunk
from batch_etl.ingest.codes import LineCode
from batch_etl.ingest.outcome import Outcome


@dataclass
class Totals:
    """Numbers of lines; in a dry run none is ``inserted`` or ``skipped``, though ``unique`` ones would be."""

    lines: int = 0
    blank: int = 0
    invalid: Counter[str] = field(default_factory=Counter)  # by reject code
    duplicates: int = 0  # this run has met the same row before
    unique: int = 0
    inserted: int = 0
    skipped: int = 0  # the same row was in the table before this run
    not_written: int = 0  # in a dry run
    pending: int = 0  # in a table that is not a partition yet

    def add(self, cleaned: CleanChunk, outcomes: bytes) -> None:
        """Add the lines of a chunk, with the ``Outcome`` of each of its rows."""
        duplicates, refused = outcomes.count(Outcome.DUPLICATE), outcomes.count(Outcome.REFUSED)
        self.lines += len(cleaned.chunk.lines)
        self.blank += cleaned.blank
        self.invalid.update(str(reject.reasons[0].code) for reject in cleaned.rejects)
        if refused:
            self.invalid[LineCode.REFUSED_BY_DATABASE.value] += refused
        self.duplicates += cleaned.duplicates + duplicates
        self.unique += len(cleaned.rows) - duplicates - refused
        self.inserted += outcomes.count(Outcome.INSERTED)
        self.skipped += outcomes.count(Outcome.SKIPPED)
        self.not_written += outcomes.count(Outcome.NOT_WRITTEN)
        self.pending += outcomes.count(Outcome.PENDING)

    def merge(self, other: "Totals") -> None:
        """Add the totals of a file to those of the run."""
        self.invalid.update(other.invalid)
        for name, value in vars(other).items():
            if name != "invalid":
                setattr(self, name, getattr(self, name) + value)

    def count_unique(self, inserted: int, skipped: int, not_written: int) -> None:
        """Set what became of the unique lines; the other valid ones are duplicates."""
        self.inserted, self.skipped, self.not_written = inserted, skipped, not_written
        self.unique = inserted + skipped + not_written
        self.duplicates = self.valid - self.unique

    def settle(self, duplicates: int) -> None:
        """Count pending rows as inserted, but for so many that are duplicates."""
        self.inserted += self.pending - duplicates
        self.duplicates += duplicates
        self.unique -= duplicates
        self.pending = 0

    @property
    def raw(self) -> int:
        """Return the number of lines that are not blank."""
        return self.lines - self.blank

    @property
    def valid(self) -> int:
        """Return the number of raw lines that are not invalid."""
        return self.raw - self.invalid.total()

    def find_mismatch(self) -> str | None:
        """Return what does not add up, in words; None when every line has exactly one outcome."""
        if self.valid != self.duplicates + self.unique:
            return f"valid {self.valid} is not duplicates {self.duplicates} + unique {self.unique}"
        written = self.unique - self.not_written - self.pending
        if self.inserted + self.skipped != written:
            return f"inserted {self.inserted} + skipped {self.skipped} is not {written}"
        return None

    def as_fields(self) -> dict[str, Any]:
        """Return the totals under the names they are reported by."""
        return {
            "lines": self.lines,
            "blank": self.blank,
            "raw": self.raw,
            "valid": self.valid,
            "invalid": self.invalid.total(),
            "invalid_by_reason": dict(sorted(self.invalid.items())),
            "duplicates": self.duplicates,
            "unique": self.unique,
            "inserted": self.inserted,
            "skipped": self.skipped,
        }
