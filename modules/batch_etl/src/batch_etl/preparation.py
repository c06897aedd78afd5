"""From lines to events ready to be written; without I/O, so that it can run beside the writing."""

from collections.abc import Collection
from dataclasses import dataclass

from batch_etl.job import Job
from batch_etl.json_text import NumberOutOfRangeError, parse_json
from batch_etl.reader import Chunk, Line, Overlong
from batch_etl.reasons import REASONS, REFUSED
from batch_etl.transformer import Event, deduplicate, transform_events
from batch_etl.validator import split_events
from platform_interfaces import Reject

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Prepared:
    """What became of a chunk; ``duplicates`` are those of others in the chunk."""

    chunk: Chunk
    blank: int
    rejects: list[Reject]
    duplicates: int
    unique: list[Event]


def prepare(chunk: Chunk, job: Job) -> Prepared:
    """Parse, validate, transform and deduplicate the lines of one chunk."""
    lines = [line for line in chunk.lines if not _is_blank(line)]
    rejects, parsed = [], []
    for line in lines:
        try:
            parsed.append((line, _parse(line, chunk)))
        except _UnreadableLineError as error:
            rejects.append(_reject(chunk, line, (error.reason,)))

    checked = split_events([event for _, event in parsed])
    rejects += [
        _reject(chunk, line, reasons)
        for (line, _), reasons in zip(parsed, checked.reasons, strict=True)
        if reasons
    ]
    rejects.sort(key=lambda reject: reject.line)
    unique, duplicates = deduplicate(transform_events(checked.valid, job.date, job.started_at))
    return Prepared(chunk, len(chunk.lines) - len(lines), rejects, duplicates, unique)


def find_refused(chunk: Chunk, job: Job, keys: Collection[str]) -> list[Reject]:
    """The lines of ``chunk`` that the events with these ``dedup_key`` came from, the first of each.

    They are looked for anew: so rarely does a database refuse a valid event that no line pays for it.
    """
    missing, rejects = set(keys), []
    for line in chunk.lines:
        if not missing:
            break
        if _is_blank(line):
            continue
        part = Chunk(chunk.file, [line], is_foreign=chunk.is_foreign)
        for event in prepare(part, job).unique:
            if event["dedup_key"] in missing:
                missing.remove(event["dedup_key"])
                rejects.append(_reject(chunk, line, (REFUSED,)))
    return rejects


class _UnreadableLineError(Exception):
    """A line that is no JSON of ours."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _is_blank(line: Line) -> bool:
    return isinstance(line.content, bytes) and not _text(line.number, line.content).strip()


def _text(number: int, content: bytes) -> bytes:
    return content.removeprefix(_BYTE_ORDER_MARK) if number == 1 else content


def _reject(chunk: Chunk, line: Line, reasons: tuple[str, ...]) -> Reject:
    raw = line.content if isinstance(line.content, bytes) else None
    return Reject(chunk.file, line.number, line.offset, raw, tuple(REASONS[code] for code in reasons))


def _parse(line: Line, chunk: Chunk) -> object:
    if chunk.is_foreign:
        raise _UnreadableLineError("wrong_encoding")
    if isinstance(line.content, Overlong):
        raise _UnreadableLineError("line_too_long")
    is_cut = chunk.is_cut and line is chunk.lines[-1]
    try:
        return parse_json(_text(line.number, line.content))
    except NumberOutOfRangeError as error:
        raise _UnreadableLineError("number_out_of_range") from error
    except UnicodeDecodeError as error:
        raise _UnreadableLineError("truncated_line" if is_cut else "not_utf8") from error
    except ValueError as error:
        raise _UnreadableLineError("truncated_line" if is_cut else "malformed_json") from error
