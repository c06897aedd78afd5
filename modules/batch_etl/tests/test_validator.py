from decimal import Decimal

import pytest

from batch_etl.validator import validate_events, validate_single_event
from platform_memory import MemoryLogger
from tests.helpers.data_factory import make_event, make_events, make_invalid_event


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_validate_valid_event() -> None:
    assert validate_single_event(make_event()) == (True, None)


def test_validate_missing_event_type() -> None:
    assert validate_single_event(make_invalid_event("missing_type")) == (False, "missing_event_type")


def test_validate_empty_event_type() -> None:
    assert validate_single_event({**make_event(), "event_type": ""}) == (False, "empty_event_type")
    assert validate_single_event(make_invalid_event("empty_type")) == (False, "empty_event_type")


def test_validate_missing_payload() -> None:
    assert validate_single_event(make_invalid_event("missing_payload")) == (False, "missing_payload")


def test_validate_missing_source() -> None:
    assert validate_single_event(make_invalid_event("missing_source")) == (False, "missing_source")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_type": 1}, "event_type_not_a_string"),
        ({"event_type": "x" * 256}, "event_type_too_long"),
        ({"event_type": "İ" * 200}, "event_type_too_long"),  # each becomes two characters in lower case
        ({"event_type": "a\0b"}, "nul_character"),
        ({"source": ""}, "empty_source"),
        ({"source": ["web"]}, "source_not_a_string"),
        ({"source": "x" * 256}, "source_too_long"),
        ({"source": "a\0b"}, "nul_character"),
        ({"payload": None}, "missing_payload"),
        ({"payload": []}, "payload_not_an_object"),
        ({"payload": 1}, "payload_not_an_object"),
        ({"payload": "[]"}, "payload_not_an_object"),
        ({"payload": "not_a_dict"}, "malformed_payload"),
        ({"payload": {"a": "b\0"}}, "nul_character"),
        ({"payload": {"a": [{"b\0": 1}]}}, "nul_character"),
        ({"payload": {"a": nested(100)}}, "too_deep"),
        ({"payload": {"a": nested(50_000)}}, "too_deep"),
        ({"payload": {"a": Decimal("1e140000")}}, "number_out_of_range"),
    ],
)
def test_each_fault_has_its_code(change: dict[str, object], reason: str) -> None:
    assert validate_single_event({**make_event(), **change}) == (False, reason)


@pytest.mark.parametrize(
    "change",
    [
        {"event_type": "x" * 255},
        {"event_type": " " * 300 + "x"},
        {"source": "x" * 255},
        {"payload": {}},
        {"payload": "{}"},
        {"payload": {"a": nested(99)}},
        {"payload": {"backslash": "\\u0000"}},
        {"extra": "field"},
    ],
)
def test_what_only_looks_odd_is_valid(change: dict[str, object]) -> None:
    assert validate_single_event({**make_event(), **change}) == (True, None)


@pytest.mark.parametrize("event", [None, 1, "text", [], [1]])
def test_what_is_not_an_object_is_invalid(event: object) -> None:
    assert validate_single_event(event) == (False, "not_an_object")


def test_validate_events_mixed() -> None:
    log = MemoryLogger()
    good = make_events(3)
    bad = [make_invalid_event("missing_type"), make_invalid_event("malformed_payload")]
    assert validate_events([good[0], bad[0], good[1], bad[1], good[2]], log) == (good, 2)
    assert [(event.level, event.fields["reason"]) for event in log.events] == [
        ("warn", "missing_event_type"),
        ("error", "malformed_payload"),
    ]
