"""Lines of events, files of them, and the totals that a load of them must have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def event_line(payload: str = "{}", event_type: str = '"case"', source: str = '"test"') -> bytes:
    """Return the line of an event, of parts that are JSON, or are to look like it."""
    line = f'{{"event_type": {event_type}, "payload": {payload}, "source": {source}}}'
    return line.encode(errors="surrogatepass")


BEFORE, AFTER = event_line(event_type='"before"'), event_line(event_type='"after"')


def between(*lines: bytes) -> bytes:
    """Return a file with these lines between two good ones."""
    return b"\n".join([BEFORE, *lines, AFTER]) + b"\n"


def among_good(lines: Iterable[bytes]) -> bytes:
    """Return a file with each of these lines between two good ones: they are the lines 2, 4, 6 and so on."""
    pieces = [good_line(0)]
    for number, line in enumerate(lines, 1):
        pieces += [line, good_line(number)]
    return b"\n".join(pieces) + b"\n"


def good_line(number: int) -> bytes:
    """Return one of the neighbours, which are all different."""
    return event_line(f'{{"n": {number}}}', event_type='"good"')


def totals_of(
    lines: int, *, blank: int = 0, inserted: int = 0, skipped: int = 0, duplicates: int = 0, **rejected: int
) -> dict[str, Any]:
    """Return the totals of a run in which so many lines had each outcome; ``rejected`` is by code."""
    unique, invalid = inserted + skipped, sum(rejected.values())
    assert lines == blank + unique + duplicates + invalid
    return {
        "lines": lines,
        "blank": blank,
        "raw": lines - blank,
        "valid": unique + duplicates,
        "invalid": invalid,
        "invalid_by_reason": dict(sorted(rejected.items())),
        "duplicates": duplicates,
        "unique": unique,
        "inserted": inserted,
        "skipped": skipped,
    }
