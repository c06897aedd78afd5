"""Which code a line is rejected with, if any: each line alone, and last in its file."""

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batch_etl.cleaner import EventCleaner
from batch_etl.codes import MAX_DEPTH
from batch_etl.ingest.cleaning import ChunkCleaner
from batch_etl.ingest.codes import MAX_RECORD_DEPTH
from batch_etl.ingest.formats import WrongEncoding
from batch_etl.ingest.json_lines import JsonLines
from batch_etl.ingest.json_text import is_beginning_of_json
from batch_etl.ingest.lines import Chunk, LongLine
from batch_etl.ingest.outcome import Outcome

GOOD = b'{"event_type": "a", "payload": {"n": 1}, "source": "b"}'


def with_extra(extra: str | bytes) -> bytes:
    """Return the line of a good event that has one key more."""
    value = extra.encode() if isinstance(extra, str) else extra
    return GOOD[:-1] + b', "x": ' + value + b"}"


def with_value(value: str | bytes) -> bytes:
    """Return the line of an event with this value in its payload."""
    return GOOD.replace(b"1", value.encode() if isinstance(value, str) else value)


def arrays(levels: int) -> str:
    return "[" * levels + "]" * levels


def outcome(line: bytes, *, is_truncated: bool = False) -> str:
    """Return the code that the line is rejected with, or what else becomes of it."""
    chunk = Chunk("a", JsonLines(), [line], [7], [0], is_last=True, is_truncated=is_truncated)
    cleaned = ChunkCleaner(EventCleaner(dt.date(2026, 1, 15)), min_recent_keys=10).clean(chunk)
    if cleaned.rejects:
        return cleaned.rejects[0].reasons[0].code
    return "blank" if cleaned.blank else "loaded"


@pytest.mark.parametrize(
    "extra",
    [
        "1e400000",
        "-1e-400000",
        "1e99999999999999999999",
        r'"\u0000"',
        r'{"\u0000": ["\u0000"]}',
        "7" * 5_000,
        "7" * 200_000,
        f"[{'7' * 5_000}, 1e400000]",
        arrays(MAX_DEPTH + 1),
        arrays(MAX_RECORD_DEPTH - 1),
        f'"{"[" * 5_000}"',
    ],
)
def test_b19_a_key_that_is_not_stored_is_not_looked_at(extra: str) -> None:
    assert outcome(with_extra(extra)) == "loaded"


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("NaN", "malformed_json"),
        ("[-Infinity]", "malformed_json"),
        ("01", "malformed_json"),
        (r'"\ud800"', "malformed_json"),
        (b'"\xff"', "not_utf8"),
        (arrays(MAX_RECORD_DEPTH), "too_deep"),
    ],
)
def test_b19_the_whole_line_has_to_be_json(extra: str | bytes, reason: str) -> None:
    assert outcome(with_extra(extra)) == reason


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": \xff}',
        b"\xff",
        b"[\xff]",
        b'["\xff"]',
        b"x \xc3\x28",
        b'{"a": 1,, "b": "\xe9"}',
        b"[1, 2\xed\xa0\x80",
        b"1e999999 \xff",
        b"[" * 1000 + b"\xff" + b"]" * 1000,
    ],
)
def test_b21_what_is_not_utf8_is_that_whatever_else_it_is(line: bytes) -> None:
    assert outcome(line) == "not_utf8"


@pytest.mark.parametrize("tail", [b"\x1a", b"\r\x1a", b" \x1a\r", b"\x1a\x1a", b"\t\x0c\x1a"])
def test_b14_the_end_mark_of_dos_is_blank(tail: bytes) -> None:
    assert outcome(tail, is_truncated=True) == "blank"
    assert outcome(tail) == "blank"


def test_b14_the_end_mark_behind_the_last_line_is_not_part_of_it() -> None:
    assert outcome(GOOD + b"\x1a", is_truncated=True) == "loaded"
    assert outcome(GOOD + b"\x1a") == "malformed_json"
    assert outcome(GOOD[:-1] + b"\x1a", is_truncated=True) == "truncated_line"


@pytest.mark.parametrize("line", [b"\0", bytes(4096), b"\xc2\xa0"])
def test_b14_a_hole_of_zeros_is_not_blank(line: bytes) -> None:
    assert outcome(line, is_truncated=True) == "malformed_json"


@pytest.mark.parametrize(
    "line", [GOOD + GOOD, GOOD + b" " + GOOD, GOOD + b",", GOOD + GOOD[:9], b"}", b"]", b'"a":']
)
def test_b12_what_goes_on_behind_a_value_is_not_the_beginning_of_one(line: bytes) -> None:
    assert outcome(line, is_truncated=True) == "malformed_json"


TEXT = r"""{"a" : [1, -2.5e+10, true, false, null, "x\u00e9\n\ud83d\ude00é€😀\\", {"b": {}}, [], "[{"]}"""
WHOLE = TEXT.encode()


@pytest.mark.parametrize("size", range(1, len(WHOLE)))
def test_b12_each_beginning_of_json_is_one_and_no_more_once_it_is_damaged(size: int) -> None:
    assert is_beginning_of_json(WHOLE[:size])
    assert outcome(WHOLE[:size], is_truncated=True) == "truncated_line"
    assert outcome(WHOLE[:size]) in ("malformed_json", "not_utf8")
    for damaged in (b"}" + WHOLE[:size], b'{"b" 1, "a":' + WHOLE[:size], b"{'a': " + WHOLE[:size]):
        assert not is_beginning_of_json(damaged)


@pytest.mark.parametrize(
    "text", ["no", "nx", "tr ", "1.e", "+", '"\\u12g', '"\\ud83dx', '"\\x', "[1 2", "{,", "Na", "é"]
)
def test_b12_what_no_value_begins_with_is_malformed(text: str) -> None:
    assert outcome(text.encode(), is_truncated=True) == "malformed_json"


DEPTHS = {
    "e8 payload of 100 levels": (with_value(arrays(MAX_DEPTH - 1)), "loaded"),
    "e8 payload of 101 levels": (with_value(arrays(MAX_DEPTH)), "too_deep"),
    "e8 payload of 101 levels of objects": (with_value('{"a":' * 100 + "1" + "}" * 100), "too_deep"),
    "e8 many brackets": (with_value(f"[{arrays(90)}, {arrays(90)}]"), "loaded"),
    "e8 brackets in strings": (with_value(f'"{"[" * 5000}"'), "loaded"),
    "e8 brackets behind an escape": (with_value(r'"\\\"' + "[" * 5000 + r'\\"'), "loaded"),
    "e8 line of 512 levels": (arrays(MAX_RECORD_DEPTH).encode(), "not_an_object"),
    "e8 line of 513 levels": (arrays(MAX_RECORD_DEPTH + 1).encode(), "too_deep"),
    "e8 payload of 5,000 levels": (with_value(arrays(5_000)), "too_deep"),
    "e8 payload of 1,000,000 levels": (with_value(arrays(1_000_000)), "too_deep"),
    "e8 a key twice": (GOOD[:-1] + f', "source": {arrays(3000)}, "source": "b"}}'.encode(), "too_deep"),
    "e8 not closed": (b"[" * 100_000, "malformed_json"),
    "e8 payload that is a string": (
        with_value("1").replace(b'{"n": 1}', f'"{arrays(3000)}"'.encode()),
        "too_deep",
    ),
}


@pytest.mark.parametrize("name", DEPTHS)
def test_e8_limits_of_depth_are_the_same_on_every_interpreter(name: str) -> None:
    line, expected = DEPTHS[name]
    assert outcome(line) == expected


def called_at_depth(levels: int, function: Callable[[], Any]) -> Any:
    return called_at_depth(levels - 1, function) if levels else function()


def test_e8_limits_of_depth_are_the_same_wherever_the_caller_is_and_whatever_the_interpreter_allows() -> None:
    def outcomes() -> list[str]:
        return [outcome(line) for line, _ in DEPTHS.values()]

    expected = [reason for _, reason in DEPTHS.values()]
    limit, frames = sys.getrecursionlimit(), 0
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        frames += 1
    assert called_at_depth(limit - frames - 60, outcomes) == expected
    sys.setrecursionlimit(frames + 60)
    try:
        assert outcomes() == expected
    finally:
        sys.setrecursionlimit(limit)
    assert sys.getrecursionlimit() == limit


def test_e8_rows_that_are_refused_are_found_wherever_the_caller_is() -> None:
    deep = with_value(arrays(MAX_DEPTH - 1))
    chunk = Chunk("a", JsonLines(), [GOOD, deep], [1, 2], [0, len(GOOD) + 1])
    cleaner = ChunkCleaner(EventCleaner(dt.date(2026, 1, 15), "warn"), min_recent_keys=10)
    cleaned = cleaner.clean(chunk)
    limit, frames = sys.getrecursionlimit(), 0
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        frames += 1
    _, refused = called_at_depth(
        limit - frames - 60, lambda: cleaner.find_refused(cleaned, bytes([Outcome.REFUSED] * 2))
    )
    assert (refused.line, refused.reasons[0].code) == (2, "refused_by_database")


def test_b9_a_long_line_of_a_file_in_another_encoding_is_rejected_for_that() -> None:
    chunk = Chunk("a", WrongEncoding(), [b"\xff\xfe{", LongLine(10**8)], [1, 2], [0, 4])
    cleaned = ChunkCleaner(EventCleaner(dt.date(2026, 1, 15)), min_recent_keys=10).clean(chunk)
    assert [reject.reasons[0].code for reject in cleaned.rejects] == ["wrong_encoding"] * 2


def test_b12_a_whole_line_that_lacks_only_its_end_has_the_code_of_its_fault() -> None:
    assert outcome(b'{"payload": {}, "source": "b"}', is_truncated=True) == "missing_event_type"


SUITE = Path(__file__).parents[4] / "shared" / "data" / "json-test-suite"


@pytest.mark.skipif(not SUITE.exists(), reason="the folder shared/data is not beside the project")
def test_a_whole_value_is_not_a_beginning_and_each_part_of_one_is() -> None:
    for path in SUITE.glob("y_*.json"):
        text = path.read_bytes().strip()
        if b"\\u" in text or text[:1] not in b'{["':
            continue
        for size in range(1, len(text)):
            assert is_beginning_of_json(text[:size]), (path.name, text[:size])
