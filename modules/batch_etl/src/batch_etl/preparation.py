"""From lines to events ready to be written; without I/O, so that it can run beside the writing."""

from dataclasses import dataclass

from batch_etl.job import Job
from batch_etl.json_text import parse_json
from batch_etl.reader import Chunk
from batch_etl.transformer import Event, deduplicate, transform_events
from batch_etl.validator import split_events


@dataclass(frozen=True)
class Reject:
    """A line that is not loaded, and why, in one word."""

    file: str
    line: int  # counted from 1
    reason: str


@dataclass(frozen=True)
class Prepared:
    """What became of a chunk of ``lines`` lines; ``duplicates`` are those of others in the chunk."""

    lines: int
    blank: int
    rejects: list[Reject]
    duplicates: int
    unique: list[Event]


def prepare(chunk: Chunk, job: Job) -> Prepared:
    """Parse, validate, transform and deduplicate the lines of one chunk."""
    blank, numbers, events, rejects = 0, [], [], []
    for number, line in enumerate(chunk.lines, chunk.first_number):
        if line is not None and not line.strip():
            blank += 1
            continue
        try:
            events.append(_parse(line))
            numbers.append(number)
        except _UnreadableLineError as error:
            rejects.append(Reject(chunk.file, number, str(error)))

    checked = split_events(events)
    rejects += [
        Reject(chunk.file, number, reason)
        for number, reason in zip(numbers, checked.reasons, strict=True)
        if reason is not None
    ]
    transformed = transform_events(checked.valid, job.date, job.started_at)
    unique, duplicates = deduplicate(transformed)
    return Prepared(
        len(chunk.lines), blank, sorted(rejects, key=lambda reject: reject.line), duplicates, unique
    )


class _UnreadableLineError(Exception):
    """A line that is no JSON; the text is the reason."""


def _parse(line: bytes | None) -> object:
    if line is None:
        raise _UnreadableLineError("line_too_long")
    try:
        return parse_json(line)
    except UnicodeDecodeError as error:
        raise _UnreadableLineError("not_utf8") from error
    except ValueError as error:
        raise _UnreadableLineError("malformed_json") from error
