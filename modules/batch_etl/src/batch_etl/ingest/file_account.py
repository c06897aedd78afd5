"""What became of the lines of a file, or of a part of it."""

from dataclasses import dataclass, field

from batch_etl.ingest.cleaning import CleanChunk
from batch_etl.ingest.outcome import Outcome
from batch_etl.ingest.totals import Totals
from batch_etl.ingest.unstored_fields import FieldCounts
from platform_interfaces import FileSystemError


@dataclass
class FileAccount:
    """The totals of a file, and what is noticed of it on the way.

    Attributes:
        near_duplicates: the duplicates that were found without a look at the table; the totals have them.
        lines_with_fields: how many lines have fields without a column.
        duplicates_with_fields: how many of those are duplicates.
        fields: how many lines have each such field.
        failure: why the rest could not be read.
        is_abandoned: whether the rest was not read, for none of many lines was valid.
    """

    totals: Totals = field(default_factory=Totals)
    near_duplicates: int = 0
    lines_with_fields: int = 0
    duplicates_with_fields: int = 0
    fields: FieldCounts = field(default_factory=FieldCounts)
    failure: FileSystemError | None = None
    is_abandoned: bool = False

    def add(self, cleaned: CleanChunk, outcomes: bytes) -> None:
        """Add the lines of a chunk, with the ``Outcome`` of each of its rows."""
        self.totals.add(cleaned, outcomes)
        self.near_duplicates += cleaned.duplicates
        unstored = cleaned.unstored
        if unstored.lines:
            self.lines_with_fields += unstored.lines
            found_later = sum(outcomes[index] == Outcome.DUPLICATE for index in unstored.unique)
            self.duplicates_with_fields += unstored.duplicates + found_later
            for name, lines in unstored.names():
                self.fields.add(name, lines)
        self.failure = self.failure or cleaned.chunk.failure
        self.is_abandoned |= cleaned.chunk.is_abandoned

    def merge(self, other: "FileAccount") -> None:
        """Add another part of the file, or another file."""
        self.totals.merge(other.totals)
        self.near_duplicates += other.near_duplicates
        self.lines_with_fields += other.lines_with_fields
        self.duplicates_with_fields += other.duplicates_with_fields
        self.fields.merge(other.fields)
        self.failure = self.failure or other.failure
        self.is_abandoned |= other.is_abandoned
