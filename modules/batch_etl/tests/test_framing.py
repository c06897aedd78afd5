import json
import random
from pathlib import Path

import pytest

from batch_etl.events import FIELDS
from batch_etl.ingest.framing import find_framing_hint
from batch_etl.ingest.lines import LongLine
from tests.helpers.data_factory import make_events

EVENTS = [json.dumps(event).encode() for event in make_events(30)]
EVENT = EVENTS[0]
REAL = Path(__file__).parents[4] / "shared" / "data" / "github-events" / "events.jsonl"


def pretty(count: int = 30) -> bytes:
    return b"\n".join(json.dumps(json.loads(event), indent=2).encode() for event in EVENTS[:count])


def each(template: bytes) -> bytes:
    return b"\n".join(template.replace(b"@", event) for event in EVENTS)


FRAMED: dict[str, tuple[bytes, str]] = {
    "b9 CR only": (b"\r".join(EVENTS) + b"\r", "lines end with CR only"),
    "b9 CSV with CR only": (b"a,b,c\r1,2,3\r4,5,6\r", "lines end with CR only"),
    "b10 pretty-printed": (pretty(), "pretty-printed JSON: one JSON object a line is read"),
    "b10 one pretty-printed": (pretty(1), "pretty-printed JSON"),
    "b10 pretty-printed with CRLF": (pretty().replace(b"\n", b"\r\n"), "pretty-printed JSON"),
    "b10 pretty-printed with small objects": (
        b'{\n "a": [\n  {"b": 1},\n  {"b": 2}\n ]\n}\n',
        "pretty-printed",
    ),
    "b11 an object a line with commas": (b"[\n" + b",\n".join(EVENTS) + b"\n]", "a JSON array"),
    "b11 first object beside the bracket": (b"[" + b",\n".join(EVENTS) + b"]", "a JSON array"),
    "b11 one line": (b"[" + b",".join(EVENTS) + b"]", "a JSON array"),
    "b11 pretty-printed": (json.dumps([1, {"a": 2}], indent=1).replace("1,", "{},").encode(), "a JSON array"),
    "b11 no bracket": (b",\n".join(EVENTS), "objects with a comma behind each"),
    "rows": (b'["a", 1]\n["b", 2]\n["c", 3]\n', "JSON arrays: one JSON object a line"),
    "b12 joined": (b"".join(EVENTS), "several objects on one line"),
    "b12 joined in twos": (b"\n".join([EVENT + EVENT] * 5), "several objects on one line"),
    "b12 blank": (b" ".join(EVENTS), "several objects on one line"),
    "b12 comma": (b",".join(EVENTS), "several objects on one line"),
    "b12 long": (b'{"a": "%b"}' % (b"x" * 20_000) * 2 + b"".join(EVENTS), "several"),
    "NUL between": (b"\0".join(EVENTS), "NUL characters between them"),
    "RS": (each(b"\x1e@"), "JSON text sequences"),
    "SSE": (b"\n\n".join(b"data: " + event for event in EVENTS), "server-sent events"),
    "XSSI": (b")]}',\n" + b"[\n" + b",\n".join(EVENTS) + b"]", "prefix )]}'"),
    "JSONP": (each(b"callback(@);"), "function call"),
    "Python": (b"\n".join(repr(event).encode() for event in make_events(5)), "Python dictionaries"),
    "Python's None": (b'{"a": None}\n' * 3, "Python dictionaries"),
    "NaN": (b'{"a": NaN}\n' * 3, "NaN or Infinity"),
    "JavaScript": (b"{a: 1}\n{a: 2}\n", "JavaScript objects"),
    "in strings": (
        b"\n".join(json.dumps(event.decode()).encode() for event in EVENTS),
        "inside JSON strings",
    ),
    "log prefix": (each(b"2026-01-15T00:00:00Z stdout F @"), "other text before it"),
    "grep": (each(b"a.jsonl:12:@"), "other text before it"),
    "length before": (each(b"90@"), "other text before it"),
    "logfmt": (b'level=info msg="a b" n=1\nlevel=warn msg=c n=2\n', "key=value pairs"),
    "YAML": (b"---\nevent_type: click\nsource: web\npayload:\n  a: 1\n", "YAML"),
    "XML": (b"<event><type>a</type></event>\n" * 3, "XML or HTML"),
    "UTF-16": ("\n".join(map(bytes.decode, EVENTS)).encode("utf-16-le"), "UTF-16 without"),
    "binary": (bytes(range(256)) * 8, "binary data"),
    "a7 CSV": (
        b"event_type,payload,source\nclick,{},web\nview,{},web\n",
        "CSV with the columns event_type, payload",
    ),
    "CSV of numbers": (
        b"ts;n\n2026-01-15;1\n2026-01-16;2\n",
        "CSV with semicolons with the columns ts, n: CSV",
    ),
    "TSV": (b"type\tn\na\t1\nb\t2\n", "TSV with the columns type, n"),
    "CSV header alone": (b"event_type,payload,source\n", "CSV with the columns"),
}


@pytest.mark.parametrize("name", FRAMED)
def test_b9_to_b12_what_is_not_an_object_a_line_is_named(name: str) -> None:
    content, expected = FRAMED[name]
    hint = find_framing_hint(content.split(b"\n")[:20], FIELDS)
    assert hint is not None
    assert hint.startswith("looks like ")
    assert expected in hint


def test_b11_the_start_of_a_line_that_is_too_long_to_be_held_is_enough() -> None:
    assert "a JSON array" in str(
        find_framing_hint([LongLine(10**8, b"[" + EVENT + b"," + EVENT[:9])], FIELDS)
    )
    assert find_framing_hint([LongLine(10**8, EVENT[:-5])], FIELDS) is None


def test_values_of_a_table_without_a_header_are_not_shown() -> None:
    hint = find_framing_hint([b"alice,smith,london", b"bob,jones,paris", b"eve,doe,rome"], FIELDS)
    assert hint == "looks like CSV: CSV is not read yet; convert it to one JSON object a line"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b""],
        [b"", b" ", b"\r"],
        EVENTS,
        EVENTS[:1],
        [b"\xef\xbb\xbf" + EVENT, *EVENTS],
        [event + b"\r" for event in EVENTS],
        [EVENT.replace(b": ", b":\r")],
        [EVENT, b"", EVENT],
        [EVENT, b'{"a": 1', EVENT],
        [EVENT, b"[1]"],
        [b"[1]", *EVENTS],
        [b'{"a": "}{ [ data: },"}'],
        [b'{"a": "' + b"x" * 100_000 + b'"}'],
        [b'{"a": 1e999999}', b'{"a": "\\u0000"}'],
        [bytes(4096), *EVENTS],
        [b"hello"],
        [b"some words, and more"],
        [b'{"event_type": "cl'],
    ],
)
def test_good_lines_and_unknown_ones_have_no_hint(lines: list[bytes]) -> None:
    assert find_framing_hint(lines, FIELDS) is None


@pytest.mark.skipif(not REAL.exists(), reason="the folder shared/data is not beside the project")
def test_nothing_is_said_of_real_events() -> None:
    lines = REAL.read_bytes().split(b"\n")
    hints = {find_framing_hint(lines[start : start + 20], FIELDS) for start in range(0, len(lines), 7)}
    hints |= {find_framing_hint([line], FIELDS) for line in lines}
    assert hints == {None}


SIGNS = [*"{}[]\"',:;|\\=<>-\r\0\t\x1e a1", "null", "event_type", "\xff", "\xc3"]


def test_b9_whatever_signs_lines_have_a_guess_at_them_does_not_fail() -> None:
    generator = random.Random(9)
    for _ in range(3_000):
        words = ["".join(generator.choices(SIGNS, k=generator.randint(0, 12))) for _ in range(4)]
        find_framing_hint([word.encode("latin-1") for word in words], FIELDS)


def test_b9_a_carriage_return_in_a_field_does_not_hide_a_table() -> None:
    hint = find_framing_hint([b"a,b,c", b"1,2\r,3", b"4,5,6"], FIELDS)
    assert hint is not None
    assert "CSV with the columns a, b, c" in hint
