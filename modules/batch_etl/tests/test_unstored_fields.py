import datetime as dt

import pytest

from batch_etl.cleaner import EventCleaner
from batch_etl.ingest.cleaning import ChunkCleaner, CleanChunk
from batch_etl.ingest.json_lines import JsonLines
from batch_etl.ingest.lines import Chunk

GOOD = b'{"event_type": "a", "payload": {"n": 1}, "source": "s"'
LINES = [
    GOOD + b"}",
    GOOD + b', "ts": 1}',
    GOOD + b', "ts": 2, "user": {}}',
    GOOD + b', "Source": null}',
    GOOD + b', "": 1}',
    GOOD + b', "source": "t"}',  # twice, so no other field
    b'{"event_type": "a", "payload": "{}", "source": "s", "ts": 1}',
    b'{"event_type": "a", "payload": {}, "ts": 1}',
    b'{"event_type": "a", "payload": {}, "sources": "s"}',
    b'{"ts": 1}',
    b"{}",
    b"[1, 2, 3, 4]",
    b"",
    b"{",
]


def clean(policy: str) -> CleanChunk:
    chunk = Chunk("a", JsonLines(), LINES, range(1, len(LINES) + 1), [0] * len(LINES))
    return ChunkCleaner(EventCleaner(dt.date(2026, 1, 15), policy), min_recent_keys=100).clean(chunk)


def count_names(cleaned: CleanChunk) -> dict[str, int]:
    names = dict[str, int]()
    for name, lines in cleaned.unstored.names():
        names[name] = names.get(name, 0) + lines
    return names


@pytest.mark.parametrize(("policy", "rows"), [("warn", 2), ("reject", 1), ("ignore", 2)])
def test_only_the_policy_reject_costs_rows(policy: str, rows: int) -> None:
    cleaned = clean(policy)
    assert len(cleaned.rows) == rows
    assert cleaned.blank == 1


def test_fields_are_counted_for_accepted_lines_only() -> None:
    cleaned = clean("warn")
    assert count_names(cleaned) == {"ts": 3, "user": 1, "Source": 1, "": 1}
    assert cleaned.duplicates == 5
    unstored = cleaned.unstored
    assert (unstored.lines, unstored.duplicates, unstored.unique) == (5, 4, (1,))


def test_a_line_is_rejected_with_all_its_codes_the_unknown_fields_last() -> None:
    rejects = {each.line: [reason.code for reason in each.reasons] for each in clean("reject").rejects}
    assert rejects[2] == ["unknown_fields"]
    assert rejects[9] == ["missing_source", "unknown_fields"]
    assert 6 not in rejects


def test_nothing_is_counted_where_fields_are_ignored() -> None:
    cleaned = clean("ignore")
    assert (count_names(cleaned), cleaned.unstored.lines, cleaned.unstored.duplicates) == ({}, 0, 0)
