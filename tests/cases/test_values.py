"""Cases 15 to 26 and 28 of bad input: values. The name of each line begins with the number of its case.

All lines of a test are in one file and in one batch, each between two good ones: what is rejected costs
no other line, and what is stored is stored as written.
"""

from __future__ import annotations

import json
import random
import string
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from platform_interfaces import DataError
from tests.cases.event_lines import among_good, between, event_line, totals_of
from tests.helpers.event_job import EventJob, totals

RANDOM = "".join(random.Random(28).choices(string.ascii_letters + string.digits, k=200_000))
NUL = "nul_character"
MALFORMED = "malformed_json"
RANGE = "number_out_of_range"


def value_line(value: str, event_type: str = "case") -> bytes:
    """Return the line of an event whose payload has this value, which is JSON or is to look like it."""
    return event_line(f'{{"value": {value}}}', event_type=json.dumps(event_type))


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


REJECTED: dict[str, tuple[bytes, str]] = {
    "15 NUL in a value": (value_line(r'"a\u0000b"'), NUL),
    "15 NUL in a key": (value_line(r'{"\u0000": 1}'), NUL),
    "15 NUL deep inside": (value_line(r'[[{"a": ["\u0000"]}]]'), NUL),
    "15 NUL in a payload that is a string": (event_line(r'"{\"a\": \"\\u0000\"}"'), NUL),
    "15 NUL as it is": (value_line('"\0"'), MALFORMED),
    "16 first half of a surrogate pair": (value_line(r'"\ud800"'), MALFORMED),
    "16 second half of a surrogate pair": (value_line(r'"\udc00"'), MALFORMED),
    "16 both halves in the wrong order": (value_line(r'"\udc00\ud800"'), MALFORMED),
    "16 half a surrogate pair in a key": (value_line(r'{"\ud800": 1}'), MALFORMED),
    "17 NaN": (value_line("NaN"), MALFORMED),
    "17 Infinity": (value_line("Infinity"), MALFORMED),
    "17 -Infinity": (value_line("-Infinity"), MALFORMED),
    "19 one digit more than numeric has before the point": (value_line("1e131072"), RANGE),
    "19 one digit more than numeric has after the point": (value_line("1e-16384"), RANGE),
    "19 tiny": (value_line("1e-20000"), RANGE),
    "19 an exponent beyond any decimal": (value_line("1e99999999999999999999"), RANGE),
    "19 140,000 digits and a fraction": (value_line("1" * 140_000 + ".5"), RANGE),
    "b20 a zero with one digit more than numeric has after the point": (value_line("0e-16384"), RANGE),
    "b20 a zero whose exponent PostgreSQL does not read": (value_line("0e1073741824"), RANGE),
    "b20 a zero whose exponent is beyond any decimal": (value_line("0e99999999999999999999"), RANGE),
    "20 an integer of 131,073 digits": (value_line("1" * 131_073), RANGE),
    "21 101 levels": (value_line(nested(100)), "too_deep"),
    "21 901 levels": (value_line(nested(900)), "too_deep"),
    "21 5,001 levels": (value_line(nested(5000)), "too_deep"),
    "21 100,001 levels": (value_line(nested(100_000)), "too_deep"),
    "21 100,000 levels that are not closed": (value_line("[" * 100_000), MALFORMED),
    "23 an array": (b"[1, 2]", "not_an_object"),
    "23 a number": (b"12", "not_an_object"),
    "23 null": (b"null", "not_an_object"),
    "23 a string": (b'"text"', "not_an_object"),
    "23 no event_type": (b'{"payload": {}, "source": "test"}', "missing_event_type"),
    "23 event_type is null": (event_line(event_type="null"), "missing_event_type"),
    "23 event_type is a number": (event_line(event_type="1"), "event_type_not_a_string"),
    "23 no source": (b'{"payload": {}, "event_type": "case"}', "missing_source"),
    "23 source is an object": (event_line(source="{}"), "source_not_a_string"),
    "23 no payload": (b'{"source": "test", "event_type": "case"}', "missing_payload"),
    "24 payload is null": (event_line("null"), "missing_payload"),
    "24 payload is an array": (event_line("[]"), "payload_not_an_object"),
    "24 payload is a number": (event_line("1"), "payload_not_an_object"),
    "24 payload is a string with an array": (event_line('"[]"'), "payload_not_an_object"),
    "24 payload is a string with null": (event_line('"null"'), "payload_not_an_object"),
    "24 payload is a string in a string": (event_line(r'"\"{}\""'), "payload_not_an_object"),
    "24 payload is a string with no JSON": (event_line('"text"'), "malformed_payload"),
    "25 event_type of 256 characters": (event_line(event_type=f'"{"x" * 256}"'), "event_type_too_long"),
    "25 source of 256 characters": (event_line(source=f'"{"x" * 256}"'), "source_too_long"),
    "25 source of 256 characters, a blank last": (event_line(source=f'"{"x" * 255} "'), "source_too_long"),
    "26 event_type with NUL": (event_line(event_type=r'"a\u0000b"'), NUL),
    "26 event_type with half a surrogate pair": (event_line(event_type=r'"\ud800"'), MALFORMED),
    "26 event_type is empty": (event_line(event_type='""'), "empty_event_type"),
    "26 event_type is blank": (event_line(event_type=r'" \t\u3000"'), "empty_event_type"),
}

# The JSON that is written, and the value that is stored, whose numbers are compared exactly.
STORED: dict[str, tuple[str, Any]] = {
    "15 backslash, u, zeros": (r'"\\u0000"', r"\u0000"),
    "16 a surrogate pair in the right order": (r'"\ud83d\ude00"', "😀"),
    "16 code points that are not characters": (r'"\uffff\ufdd0"', "\uffff\ufdd0"),
    "18 beyond any float": ("1e400", Decimal("1e400")),
    "18 more digits than a float has": ("0.1234567890123456789", Decimal("0.1234567890123456789")),
    "19 as many digits as numeric has before the point": ("1e131071", Decimal("1e131071")),
    "19 as many digits as numeric has after the point": ("1e-16383", Decimal("1e-16383")),
    **{
        f"b20 {zero}": (zero, Decimal(0))
        for zero in (
            "0e999999",
            "-0e999999",
            "0.0e5",
            "0e131072",
            "0e1073741823",
            "0.00e1073741824",
            "0E+200000",
        )
    },
    "b20 0e-16383": ("0e-16383", Decimal("0e-16383")),
    "20 an integer of 4,301 digits, which int refuses": ("9" * 4301, Decimal("9" * 4301)),
    "20 an integer of 131,072 digits": ("9" * 131_072, Decimal("9" * 131_072)),
    "21 100 levels": (nested(99), json.loads(nested(99))),
    "22 a key twice": ('{"a": 1, "b": 2, "a": 3}', {"a": Decimal(3), "b": Decimal(2)}),
    "24 a string that looks like an object": (r'"{\"a\": 1}"', '{"a": 1}'),
    "24 nothing inside": ('[{}, [], null, ""]', [{}, [], None, ""]),
    "28 2,700 random characters, which do not compress": (f'"{RANDOM[:2700]}"', RANDOM[:2700]),
    "28 200,000 random characters, which do not compress": (f'"{RANDOM}"', RANDOM),
}

# event_type and source as written, and as stored.
TEXTS: list[tuple[str, str, str, str]] = [
    ("x" * 255, "y" * 255, "x" * 255, "y" * 255),  # 25
    ("z" * 255 + " ", "25", "z" * 255, "25"),  # blanks around are left out on purpose, and not counted
    (" Page View\t", " 26 ", "page view", " 26 "),
    *(
        (text, text, text, text)  # 26
        for text in (
            "'; drop table cleaned_events; --",
            '"',
            "\\",
            "\\copy",
            "\\.",
            "null",
            "$1",
            "%s",
            "{}",
            "a\tb\r\nc",
            "\x1b[31m",
            "\x7f",
            "\u202etxet",
            "\ufeffmark",
            "z̧̥͌",
            "田中さん",
            "😀👩‍👩‍👧",
            "\U0010ffff",
        )
    ),
]


async def test_15_to_26_what_no_database_stores_is_kept_aside_with_its_reason(job: EventJob) -> None:
    result = await job.load(among_good(line for line, _ in REJECTED.values()))
    reasons = Counter(reason for _, reason in REJECTED.values())
    good = len(REJECTED) + 1
    assert (result.code, totals(result)) == (
        0,
        totals_of(good + len(REJECTED), inserted=good, **reasons),
    )
    assert await job.event_types() == ["good"] * good

    rejects = await job.rejects()
    names = {2 * number: name for number, name in enumerate(REJECTED, 1)}
    found = {names[reject.line]: (reject.raw, reject.reasons[0].code) for reject in rejects}
    assert found == REJECTED


async def test_15_to_28_what_can_be_stored_is_stored_as_written(job: EventJob) -> None:
    content = among_good(value_line(value, name) for name, (value, _) in STORED.items())
    total = 2 * len(STORED) + 1
    result = await job.load(content)
    assert (result.code, totals(result)) == (0, totals_of(total, inserted=total))
    for name, (_, expected) in STORED.items():
        assert await job.payload(name.lower()) == {"value": expected}, name
    result = await job.load(content)
    assert (result.code, totals(result)) == (0, totals_of(total, skipped=total))


async def test_24_a_payload_that_is_the_text_of_an_object_is_stored_as_the_object(job: EventJob) -> None:
    lines = [
        event_line(r'"{\"a\": 0.10}"'),
        event_line('{"a": 0.10}'),
        event_line("{}", event_type='"empty"'),
    ]
    result = await job.load(among_good(lines))
    assert (result.code, totals(result)) == (0, totals_of(7, inserted=6, duplicates=1))
    assert await job.payload() == {"a": Decimal("0.10")}
    assert await job.payload("empty") == {}


LONG = '"n": ' + "7" * 5000  # an integer that has the line read by another parser


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        pytest.param(b'"x": "\xed\xa0\x80"', "not_utf8", id="4-surrogate-as-bytes"),
        pytest.param(b'"x": "\\ud800"', "malformed_json", id="16-surrogate"),
        pytest.param(b'"\\udc00": 1', "malformed_json", id="16-surrogate-in-a-key"),
        pytest.param(b'"x": NaN', "malformed_json", id="17-nan"),
        pytest.param(b'"x": -Infinity', "malformed_json", id="17-infinity"),
        pytest.param(b'"x": 1e999999', "number_out_of_range", id="19-range"),
        pytest.param(b'"x": ' + b"[" * 100_000, "malformed_json", id="21-depth"),
    ],
)
async def test_20_what_is_bad_is_bad_beside_an_integer_of_any_length_too(
    job: EventJob, rest: bytes, reason: str
) -> None:
    line = event_line("{" + LONG + ", REST}").replace(b"REST", rest)
    result = await job.load(between(line))
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=2, **{reason: 1}))


async def test_20_and_31_zero_has_no_sign_beside_an_integer_of_any_length_either(job: EventJob) -> None:
    lines = [event_line("{" + LONG + ', "x": 0}'), event_line("{" + LONG + ', "x": -0}')]
    assert totals(await job.load(between(*lines))) == totals_of(4, inserted=3, duplicates=1)


async def test_19_a_number_out_of_range_is_rejected_in_a_payload_that_is_a_string_too(job: EventJob) -> None:
    result = await job.load(between(event_line(r'"{\"n\": 1e999999}"')))
    assert totals(result) == totals_of(3, inserted=2, number_out_of_range=1)


async def test_25_and_26_texts_are_stored_whole_and_unchanged(job: EventJob) -> None:
    lines = [event_line("{}", json.dumps(kind), json.dumps(source)) for kind, source, _, _ in TEXTS]
    total = 2 * len(TEXTS) + 1
    result = await job.load(among_good(lines))
    assert (result.code, totals(result)) == (0, totals_of(total, inserted=total))
    rows = await job.db.fetch_all("SELECT event_type, source FROM cleaned_events WHERE event_type <> 'good'")
    assert Counter((row["event_type"], row["source"]) for row in rows) == Counter(
        (kind, source) for _, _, kind, source in TEXTS
    )


async def test_23_a_missing_value_never_becomes_null(job: EventJob) -> None:
    """What the validator lets through by mistake, the table refuses."""
    row: dict[str, Any] = {
        "event_type": "a",
        "payload": {},
        "source": "b",
        "event_date": None,
        "dedup_key": b"key",
    }
    with pytest.raises(DataError):
        await job.db.bulk_insert("cleaned_events", [row])
