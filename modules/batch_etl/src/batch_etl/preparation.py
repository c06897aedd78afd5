"""From lines to events ready to be written; without I/O, so that it can run beside the writing."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from batch_etl.job import Job
from batch_etl.json_text import NumberOutOfRangeError, decode_json, dump_canonical, parse_json
from batch_etl.reader import Chunk, Content
from batch_etl.reasons import REASONS, REFUSED
from batch_etl.transformer import Event, finished_event, transform_event, with_dedup_key
from batch_etl.validator import checked_event_type, find_problems, is_storable
from batch_etl.writer import Outcome
from platform_interfaces import Reject

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Prepared:
    """What became of a chunk; ``duplicates`` are those of ``unique`` and of the events shortly before it."""

    chunk: Chunk
    blank: int
    rejects: list[Reject]
    duplicates: int
    unique: list[Event]


class RecentKeys:
    """The keys of the newest events, at least ``NEWEST`` of them, and about twice as many at most."""

    NEWEST = 100_000

    def __init__(self) -> None:
        self._newer, self._older = set[bytes](), set[bytes]()

    def add(self, events: Sequence[Event]) -> list[Event]:
        """Those whose keys were not there; now they are."""
        newer, older, new = self._newer, self._older, list[Event]()
        for event in events:
            key = event["dedup_key"]
            if key not in newer and key not in older:
                newer.add(key)
                new.append(event)
        if len(newer) >= self.NEWEST:
            self._newer, self._older = set(), newer
        return new


def prepare(chunk: Chunk, job: Job, recent: RecentKeys, created_at: dt.datetime) -> Prepared:
    """Parse, validate, transform and deduplicate the lines of one chunk."""
    blank, rejects, events = 0, list[Reject](), list[Event]()
    event_date = dt.date.fromisoformat(job.date)
    for index, line in enumerate(_texts(chunk)):
        event = None if chunk.is_foreign else _plain_event(line, event_date, created_at)
        if event is None:
            if isinstance(line, bytes) and not line.strip():
                blank += 1
                continue
            raw, reasons = _read(chunk, index, line)
            if reasons:
                rejects.append(_reject(chunk, index, reasons))
                continue
            event = with_dedup_key(transform_event(raw, event_date, created_at))
        events.append(event)
    unique = recent.add(events)
    return Prepared(chunk, blank, rejects, len(events) - len(unique), unique)


def _plain_event(line: Content, event_date: dt.date, created_at: dt.datetime) -> Event | None:
    """The cleaned event of a line that is good at first sight, told in few steps; None for any other."""
    try:
        event = decode_json(line)  # type: ignore[arg-type]  # what is no bytes raises as well
        event_type = checked_event_type(event["event_type"], source := event["source"])
        if type(content := event["payload"]) is str:
            content = decode_json(content)
        payload = dump_canonical(content)
    except Exception:  # noqa: BLE001 - the reason is found by those that look closely
        return None
    if type(content) is not dict or not is_storable(payload):
        return None
    return finished_event(event_type, payload, source, event_date, created_at)


def find_refused(prepared: Prepared, outcomes: bytes, job: Job) -> list[Reject]:
    """The lines that the refused ones of the unique events came from.

    They are looked for anew: so rarely does a database refuse a valid event that no line pays for it.
    """
    chunk, rejects = prepared.chunk, list[Reject]()
    if Outcome.REFUSED not in outcomes:
        return rejects
    missing = {
        event["dedup_key"]
        for event, outcome in zip(prepared.unique, outcomes, strict=True)
        if outcome == Outcome.REFUSED
    }
    for index in range(len(chunk.lines)):
        if not missing:
            break
        for event in prepare(chunk.line(index), job, RecentKeys(), job.started_at).unique:
            if event["dedup_key"] in missing:
                missing.remove(event["dedup_key"])
                rejects.append(_reject(chunk, index, (REFUSED,)))
    return rejects


def _texts(chunk: Chunk) -> Sequence[Content]:
    """The lines without the mark that the first of a file may begin with."""
    if 1 not in chunk.numbers:
        return chunk.lines
    return [
        line.removeprefix(_BYTE_ORDER_MARK) if number == 1 and isinstance(line, bytes) else line
        for number, line in zip(chunk.numbers, chunk.lines, strict=True)
    ]


def _read(chunk: Chunk, index: int, line: Content) -> tuple[Any, Sequence[str]]:
    """The event of a line, and the reasons why it cannot be loaded."""
    if chunk.is_foreign:
        return None, ["wrong_encoding"]
    if not isinstance(line, bytes):
        return None, ["line_too_long"]
    try:
        event = parse_json(line)
    except NumberOutOfRangeError:
        return None, ["number_out_of_range"]
    except ValueError as error:
        if chunk.is_cut and index == len(chunk.lines) - 1:
            return None, ["truncated_line"]
        return None, ["not_utf8" if isinstance(error, UnicodeDecodeError) else "malformed_json"]
    return event, find_problems(event)


def _reject(chunk: Chunk, index: int, reasons: Sequence[str]) -> Reject:
    line = chunk.lines[index]
    return Reject(
        chunk.file,
        chunk.numbers[index],
        chunk.offsets[index],
        line if isinstance(line, bytes) else None,
        tuple(REASONS[code] for code in reasons),
    )
