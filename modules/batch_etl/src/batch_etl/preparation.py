"""From lines to events ready to be written; without I/O, so that it can run beside the writing."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from batch_etl.json_text import (
    TooDeepError,
    call_with_room,
    decode_json,
    dump_canonical,
    is_beginning_of_json,
    is_shallow,
    parse_json_of_any_numbers,
)
from batch_etl.reader import Chunk, Content
from batch_etl.reasons import MAX_DEPTH, MAX_LINE_DEPTH, MAX_TEXT_CHARACTERS, REASONS, REFUSED, UNKNOWN_FIELDS
from batch_etl.transformer import begin_digest, ensure_payload_dict, normalize_event_type
from batch_etl.unknown_fields import FIELD_COUNT, FIELDS, UnknownFields
from batch_etl.validator import checked_source, find_problems, find_text_problem
from batch_etl.writer import Outcome
from platform_interfaces import Columns, Reject

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_END_MARK = b"\x1a"  # of a text file of DOS; `copy a+b` writes it
_BLANKS = b" \t\n\r\v\f" + _END_MARK

# JSON of so many bytes cannot be nested too deep, for brackets are closed again.
_SHALLOW_PAYLOAD_BYTES, _SHALLOW_LINE_BYTES = 2 * MAX_DEPTH, 2 * MAX_LINE_DEPTH


# What a line tells of its event: the type, normalised, the payload in canonical form, the source and the key.
# A bare tuple, for no line makes more of itself than this.
Values = tuple[str, bytes, str, bytes]
COLUMNS = ("event_type", "payload", "source", "dedup_key")


@dataclass(frozen=True)
class Prepared:
    """What became of a chunk; ``duplicates`` are those of ``unique``, and of the events shortly before it.

    ``unique`` has the ``COLUMNS``.
    """

    chunk: Chunk
    blank: int
    rejects: list[Reject]
    duplicates: int
    unique: Columns
    unknown: UnknownFields = field(default_factory=UnknownFields)


class RecentKeys:
    """The keys of the newest events, at least ``NEWEST`` of them, and about twice as many at most."""

    NEWEST = 50_000

    def __init__(self) -> None:
        self._newer, self._older = set[bytes](), set[bytes]()

    def add(self, events: Sequence[Values]) -> list[Values]:
        """Those whose keys were not there; now they are."""
        newer, older, new = self._newer, self._older, list[Values]()
        for event in events:
            key = event[-1]
            if key not in newer and key not in older:
                newer.add(key)
                new.append(event)
        if len(newer) >= self.NEWEST:
            self._newer, self._older = set(), newer
        return new


class KnownTypes(dict[str, "tuple[str, hashlib._Hash]"]):
    """The types of a day's events: each normalised, and the digest that the keys of its events begin with.

    ``unknown_fields`` is what is done about fields that have no column: warn, reject or ignore.
    """

    MOST = 4096  # there are few; this is for an input that makes one up for each event

    def __init__(self, event_date: dt.date, unknown_fields: str = "warn") -> None:
        super().__init__()
        self.event_date, self.unknown_fields = event_date, unknown_fields

    def __missing__(self, event_type: str) -> "tuple[str, hashlib._Hash]":
        """Look at one that is new.

        Raises:
            ValueError: when it is not valid, or a closer look is needed.
        """
        if len(event_type) > MAX_TEXT_CHARACTERS:
            raise ValueError("only a closer look can tell")  # and what is long must not be remembered
        if problem := find_text_problem("event_type", event_type):
            raise ValueError(problem)
        name = normalize_event_type(event_type)
        if len(self) >= self.MOST:
            self.clear()
        self[event_type] = name, begin_digest(name, self.event_date)
        return self[event_type]


def prepare(chunk: Chunk, types: KnownTypes, recent: RecentKeys) -> Prepared:
    """Parse, validate, transform and deduplicate the lines of one chunk."""
    blank, rejects, events = 0, list[Reject](), list[Values]()
    unknown = UnknownFields(types.unknown_fields)
    for index, line in enumerate(_texts(chunk)):
        event = None if chunk.is_foreign else _read_at_first_sight(line, types, unknown, events)
        if event is None:
            if isinstance(line, bytes) and not line.strip(_BLANKS):
                blank += 1
                continue
            event, reasons = call_with_room(_read, chunk, index, line, types, unknown, len(events))
            if event is None:
                rejects.append(_reject(chunk, index, reasons))
                continue
        events.append(event)
    unique = recent.add(events)
    unknown.part(events, unique)
    columns = zip(*unique, strict=True) if unique else ((),) * len(COLUMNS)
    return Prepared(
        chunk,
        blank,
        rejects,
        len(events) - len(unique),
        Columns(dict(zip(COLUMNS, columns, strict=True))),
        unknown,
    )


def _read_at_first_sight(
    line: Content, types: KnownTypes, unknown: UnknownFields, events: Sequence[Values]
) -> Values | None:
    """The event of a line that is good, told in few steps; None when a closer look is needed."""
    try:
        event = decode_json(line)  # type: ignore[arg-type]  # what is no bytes raises as well
        event_type, begun = types[event["event_type"]]
        source = checked_source(event["source"])
        if type(payload := event["payload"]) is not dict:
            if not is_shallow(payload.encode(), MAX_LINE_DEPTH):
                return None
            payload = decode_json(payload)  # of a string; of what is none it raises
            if type(payload) is not dict:
                return None
        text = dump_canonical(payload)
    except Exception:  # noqa: BLE001 - the reason is found by those that look closely
        return None
    if b"\\" in text and b"\\u0000" in text:  # the first is quickly found, and mostly not there
        return None
    if len(text) > _SHALLOW_PAYLOAD_BYTES and not is_shallow(text, MAX_DEPTH):
        return None
    if len(line) > _SHALLOW_LINE_BYTES and not is_shallow(line, MAX_LINE_DEPTH):  # type: ignore[arg-type]
        return None
    if len(event) != FIELD_COUNT and not unknown.accept(event, len(events)):
        return None
    return _values(event_type, text, source, begun.copy())  # a copy is quicker than one begun anew


def _values(event_type: str, payload: bytes, source: str, digest: "hashlib._Hash") -> Values:
    digest.update(payload)
    return event_type, payload, source, digest.digest()


def find_refused(prepared: Prepared, outcomes: bytes, types: KnownTypes) -> list[Reject]:
    """The lines that the refused ones of the unique events came from.

    They are looked for anew: so rarely does a database refuse a valid event that no line pays for it.
    """
    chunk, rejects = prepared.chunk, list[Reject]()
    if Outcome.REFUSED not in outcomes:
        return rejects
    keys = prepared.unique.column("dedup_key")
    missing = {key for key, outcome in zip(keys, outcomes, strict=True) if outcome == Outcome.REFUSED}
    for index in range(len(chunk.lines)):
        if not missing:
            break
        alone = prepare(chunk.line(index), types, RecentKeys())
        for key in missing.intersection(alone.unique.column("dedup_key")):
            missing.remove(key)
            rejects.append(_reject(chunk, index, (REFUSED,)))
    return rejects


def _texts(chunk: Chunk) -> Sequence[Content]:
    """Return the lines without the marks that the first of a file may begin with, and the last end with."""
    lines = chunk.lines
    if 1 in chunk.numbers:
        lines = [
            line.removeprefix(_BYTE_ORDER_MARK) if number == 1 and isinstance(line, bytes) else line
            for number, line in zip(chunk.numbers, lines, strict=True)
        ]
    if chunk.is_cut and isinstance(last := lines[-1], bytes) and last.endswith(_END_MARK):
        lines = [*lines[:-1], last.rstrip(_END_MARK)]
    return lines


def _read(
    chunk: Chunk, index: int, line: Content, types: KnownTypes, unknown: UnknownFields, event_index: int
) -> tuple[Values | None, Sequence[str]]:
    """Return the event of a line, which will be at ``event_index``; or None and the reasons against it."""
    if chunk.is_foreign:
        return None, ["wrong_encoding"]
    if not isinstance(line, bytes):
        return None, ["line_too_long"]
    is_cut = chunk.is_cut and index == len(chunk.lines) - 1
    try:
        line.decode()  # first of all, for bytes that are not UTF-8 may look like other faults, too
        raw = parse_json_of_any_numbers(line)
    except TooDeepError:
        return None, ["too_deep"]
    except ValueError as error:
        if is_cut and is_beginning_of_json(line):
            return None, ["truncated_line"]
        return None, ["not_utf8" if isinstance(error, UnicodeDecodeError) else "malformed_json"]
    if reasons := _check_fields(raw, find_problems(raw), unknown, event_index):
        return None, reasons
    event_type = normalize_event_type(raw["event_type"])
    payload = dump_canonical(ensure_payload_dict(raw["payload"]))
    return _values(event_type, payload, raw["source"], begin_digest(event_type, types.event_date)), ()


def _check_fields(event: object, reasons: Sequence[str], unknown: UnknownFields, index: int) -> Sequence[str]:
    """Return the reasons, and that of unknown fields; count these where there is no reason at all."""
    if not isinstance(event, dict) or event.keys() <= FIELDS:
        return reasons
    if unknown.are_rejected:
        return [*reasons, UNKNOWN_FIELDS]
    if not reasons:
        unknown.accept(event, index)
    return reasons


def _reject(chunk: Chunk, index: int, reasons: Sequence[str]) -> Reject:
    line = chunk.lines[index]
    return Reject(
        chunk.file,
        chunk.numbers[index],
        chunk.offsets[index],
        line if isinstance(line, bytes) else None,
        tuple(REASONS[code] for code in reasons),
    )
