"""From the lines of a chunk to rows ready to be written, without I/O, so that it can run beside writes."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from operator import itemgetter

from batch_etl.ingest.cleaner import Cleaner, CleanRow, PartlyStored, Rejected
from batch_etl.ingest.codes import LineCode, RejectCode
from batch_etl.ingest.json_text import call_with_room
from batch_etl.ingest.limits import Limits
from batch_etl.ingest.lines import Chunk, Line, abandon
from batch_etl.ingest.outcome import Outcome
from batch_etl.ingest.unstored_fields import UnstoredFields
from platform_interfaces import Columns, Reject

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_END_MARK = b"\x1a"  # of a text file of DOS; `copy a+b` writes it
_BLANKS = b" \t\n\r\v\f" + _END_MARK


@dataclass(frozen=True)
class CleanChunk:
    """What became of the lines of a chunk.

    Attributes:
        chunk: the lines.
        blank: how many are blank.
        rejects: those that are not loaded.
        duplicates: how many rows have the key of another one of them, or of one shortly before.
        rows: the others.
        unstored: the fields that have no column.
    """

    chunk: Chunk
    blank: int
    rejects: list[Reject]
    duplicates: int
    rows: Columns
    unstored: UnstoredFields

    @property
    def has_valid(self) -> bool:
        """Return whether any line is valid."""
        return bool(self.rows) or self.duplicates > 0


class RecentKeys:
    """The keys of the newest rows: at least ``minimum`` of them, and about twice as many at most."""

    def __init__(self, key_index: int, minimum: int) -> None:
        self._key_index, self._minimum = key_index, minimum
        self._newer, self._older = set[object](), set[object]()

    def keep_new(self, rows: Sequence[CleanRow]) -> list[CleanRow]:
        """Return the rows whose keys are not among them, and add these."""
        newer, older, new = self._newer, self._older, list[CleanRow]()
        for row, key in zip(rows, map(itemgetter(self._key_index), rows), strict=True):
            if key not in newer and key not in older:
                newer.add(key)
                new.append(row)
        if len(newer) >= self._minimum:
            self._newer, self._older = set(), newer
        return new


class ChunkCleaner:
    """Cleans the chunks of a load, one after the other, and finds duplicates that are near each other."""

    def __init__(self, cleaner: Cleaner, min_recent_keys: int) -> None:
        self._cleaner, self._columns = cleaner, tuple(cleaner.columns)
        self._key_index = self._columns.index(cleaner.key)
        self._recent = RecentKeys(self._key_index, min_recent_keys)

    def clean(self, chunk: Chunk) -> CleanChunk:
        """Return what becomes of each line."""
        return call_with_room(self._clean, chunk)

    def find_rejects(self, cleaned: CleanChunk, outcomes: bytes) -> list[Reject]:
        """Return the lines that are not loaded, in their order, those of rows that were refused included."""
        refused = self.find_refused(cleaned, outcomes)
        return sorted([*cleaned.rejects, *refused], key=lambda reject: reject.line)

    def find_refused(self, cleaned: CleanChunk, outcomes: bytes) -> list[Reject]:
        """Return the lines of the rows that the database has refused.

        The lines are cleaned once more to find them: so rarely does a database refuse a row that no line pays
        for it.
        """
        if Outcome.REFUSED not in outcomes:
            return []
        keys = cleaned.rows.column(self._cleaner.key)
        missing = {key for key, outcome in zip(keys, outcomes, strict=True) if outcome == Outcome.REFUSED}
        rejects = list[Reject]()
        for index, line in enumerate(_without_marks(cleaned.chunk)):
            key = call_with_room(self._find_key, cleaned.chunk, line)
            if key in missing:
                missing.remove(key)
                rejects.append(_make_reject(cleaned.chunk, index, (LineCode.REFUSED_BY_DATABASE,)))
        return rejects

    def _clean(self, chunk: Chunk) -> CleanChunk:
        blank, rejects, rows, unstored = 0, list[Reject](), list[CleanRow](), UnstoredFields()
        decode, clean = chunk.format.decode, self._cleaner.clean
        too_long = Rejected((chunk.format.long_line_code,))
        for index, line in enumerate(_without_marks(chunk)):
            record = decode(line) if isinstance(line, bytes) else too_long
            cleaned = record if type(record) is Rejected else clean(record)
            if isinstance(cleaned, tuple):
                rows.append(cleaned)
            elif isinstance(cleaned, PartlyStored):
                unstored.add(cleaned.unstored, len(rows))
                rows.append(cleaned.row)
            elif isinstance(line, bytes) and not line.strip(_BLANKS):
                blank += 1
            else:
                rejects.append(_make_reject(chunk, index, _find_codes(chunk, index, line, cleaned)))
        unique = self._recent.keep_new(rows)
        unstored.split(rows, unique)
        duplicates = len(rows) - len(unique)
        return CleanChunk(chunk, blank, rejects, duplicates, self._make_columns(unique), unstored)

    def _find_key(self, chunk: Chunk, line: Line) -> object:
        """Return the key of a line; None when it is blank or rejected."""
        record = chunk.format.decode(line) if isinstance(line, bytes) else None
        if record is None or isinstance(record, Rejected):
            return None
        cleaned = self._cleaner.clean(record)
        row = cleaned.row if isinstance(cleaned, PartlyStored) else cleaned
        return row[self._key_index] if isinstance(row, tuple) else None

    def _make_columns(self, rows: Sequence[CleanRow]) -> Columns:
        values = zip(*rows, strict=True) if rows else ((),) * len(self._columns)
        return Columns(dict(zip(self._columns, values, strict=True)))


async def clean_file(
    chunks: AsyncGenerator[Chunk, None], cleaner: ChunkCleaner, limits: Limits, *, is_patient: bool
) -> AsyncGenerator[CleanChunk, None]:
    """Yield the chunks of a file, cleaned; without patience, it is abandoned when none of many is valid."""
    has_valid, rejected = is_patient, 0
    async with aclosing(chunks):
        async for chunk in chunks:
            cleaned = cleaner.clean(chunk)
            yield cleaned
            has_valid |= cleaned.has_valid
            rejected += len(cleaned.rejects)
            if not has_valid and rejected >= limits.max_lines_without_valid and not chunk.is_last:
                yield cleaner.clean(abandon(chunk))
                break


def _without_marks(chunk: Chunk) -> Sequence[Line]:
    """Return the lines without the marks that the first of a file may begin with, and the last end with."""
    lines = chunk.lines
    if 1 in chunk.numbers:
        lines = [
            line.removeprefix(_BYTE_ORDER_MARK) if number == 1 and isinstance(line, bytes) else line
            for number, line in zip(chunk.numbers, lines, strict=True)
        ]
    if chunk.is_truncated and isinstance(last := lines[-1], bytes) and last.endswith(_END_MARK):
        lines = [*lines[:-1], last.rstrip(_END_MARK)]
    return lines


def _find_codes(chunk: Chunk, index: int, line: Line, rejected: Rejected) -> Sequence[RejectCode]:
    """Return the codes of a line that is not blank; the last of a file may only lack its end."""
    is_truncated = (
        chunk.is_truncated
        and index == len(chunk.lines) - 1
        and isinstance(line, bytes)
        and isinstance(chunk.format.decode(line), Rejected)  # it is not the cleaner that has rejected it
        and chunk.format.is_beginning(line)
    )
    return (LineCode.TRUNCATED_LINE,) if is_truncated else rejected.codes


def _make_reject(chunk: Chunk, index: int, codes: Sequence[RejectCode]) -> Reject:
    line = chunk.lines[index]
    return Reject(
        chunk.file,
        chunk.numbers[index],
        chunk.offsets[index],
        line if isinstance(line, bytes) else None,
        tuple(code.reason for code in codes),
        chunk.header,
    )
