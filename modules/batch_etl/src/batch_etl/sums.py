"""The account of a run: where every line has gone."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from batch_etl.preparation import Prepared
from batch_etl.reasons import REFUSED
from batch_etl.writer import Outcome


@dataclass
class Sums:
    """Numbers of lines. In a dry run nothing is ``inserted`` or ``skipped``; ``unique`` would have been."""

    lines: int = 0
    blank: int = 0
    invalid: Counter[str] = field(default_factory=Counter)  # by reason
    duplicates: int = 0  # this run has met the same event before
    unique: int = 0
    inserted: int = 0
    skipped: int = 0  # the same event was in the table before this run

    def add(self, prepared: Prepared, outcomes: bytes) -> None:
        """Account for one chunk, with the ``Outcome`` of each of its unique events."""
        duplicates, refused = outcomes.count(Outcome.DUPLICATE), outcomes.count(Outcome.REFUSED)
        self.lines += len(prepared.chunk.lines)
        self.blank += prepared.blank
        self.invalid.update(reject.reasons[0].code for reject in prepared.rejects)
        self.invalid.update({REFUSED: refused} if refused else {})
        self.duplicates += prepared.duplicates + duplicates
        self.unique += len(prepared.unique) - duplicates - refused
        self.inserted += outcomes.count(Outcome.INSERTED)
        self.skipped += outcomes.count(Outcome.SKIPPED)

    def merge(self, other: "Sums") -> None:
        """Add the account of a file to that of the run."""
        self.invalid.update(other.invalid)
        for name in ("lines", "blank", "duplicates", "unique", "inserted", "skipped"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def raw(self) -> int:
        """Lines that are not blank."""
        return self.lines - self.blank

    @property
    def valid(self) -> int:
        """Raw lines that are not invalid."""
        return self.raw - self.invalid.total()

    def mismatch(self, *, is_dry_run: bool) -> str | None:
        """What does not add up, in words; None when every line has gone to exactly one place."""
        if self.valid != self.duplicates + self.unique:
            return f"valid {self.valid} is not duplicates {self.duplicates} + unique {self.unique}"
        written = 0 if is_dry_run else self.unique
        if self.inserted + self.skipped != written:
            return f"inserted {self.inserted} + skipped {self.skipped} is not {written}"
        return None

    def as_fields(self) -> dict[str, Any]:
        """The sums under the names they are reported by."""
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
