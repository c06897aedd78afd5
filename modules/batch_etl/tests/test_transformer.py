from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from batch_etl.transformer import (
    compute_dedup_key,
    deduplicate,
    ensure_payload_dict,
    normalize_event_type,
    transform_events,
)
from tests.helpers.data_factory import make_event, make_events

WRITTEN_AT = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)


def key(payload: object, event_type: str = "click", day: str = "2026-01-15") -> str:
    return compute_dedup_key(
        {"event_type": event_type, "payload": payload, "event_date": date.fromisoformat(day)}
    )


def test_normalize_event_type() -> None:
    assert normalize_event_type("  Page_View\t") == "page_view"


def test_ensure_payload_dict_from_string() -> None:
    assert ensure_payload_dict('{"amount": 0.10}') == {"amount": Decimal("0.10")}


def test_ensure_payload_dict_passthrough() -> None:
    payload = {"url": "/home"}
    assert ensure_payload_dict(payload) is payload


@pytest.mark.parametrize("payload", ["not json", "{", "[1", "NaN", '{"a": 1e999999}'])
def test_a_payload_string_that_is_not_json_is_refused(payload: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|number|truncated"):
        ensure_payload_dict(payload)


@pytest.mark.parametrize("payload", ["[1]", '"text"', "12", "null", [1], 1, None, True])
def test_a_payload_that_is_not_an_object_is_refused(payload: object) -> None:
    with pytest.raises(TypeError, match="object"):
        ensure_payload_dict(payload)


def test_compute_dedup_key_deterministic() -> None:
    assert key({"a": 1, "b": [1, 2]}) == key({"b": [1, 2], "a": 1})
    assert key(ensure_payload_dict('{"a":"\\u00e9"}')) == key(ensure_payload_dict('{ "a" : "é" }'))


def test_compute_dedup_key_different() -> None:
    payloads = ['{"a":1}', '{"a":1.0}', '{"a":"1"}', '{"a":true}', '{"a":[1]}', '{"b":1}', '{"a":1,"b":null}']
    keys = {key(ensure_payload_dict(payload)) for payload in payloads}
    keys |= {key({"a": 1}, event_type="view"), key({"a": 1}, day="2026-01-16")}
    assert len(keys) == len(payloads) + 2


def test_a_dedup_key_does_not_run_its_parts_together() -> None:
    assert key({"a": 1}, event_type="x") != key({}, event_type='x{"a":1}')


def test_large_integers_and_fractions_keep_their_identity() -> None:
    assert key(ensure_payload_dict('{"a":9007199254740993}')) != key(
        ensure_payload_dict('{"a":9007199254740992}')
    )
    assert key(ensure_payload_dict('{"a":0.10}')) != key(ensure_payload_dict('{"a":0.1}'))


def test_transform_events_adds_fields() -> None:
    [event] = transform_events([make_event(" Click ", element="a")], "2026-01-15", WRITTEN_AT)
    assert event == {
        "event_type": "click",
        "payload": {"element": "a"},
        "source": "web",
        "event_date": date(2026, 1, 15),
        "created_at": WRITTEN_AT,
    }


def test_transform_events_takes_the_present_time_when_none_is_given() -> None:
    [event] = transform_events([make_event()], "2026-01-15")
    assert event["created_at"].utcoffset() is not None


def test_transform_events_leaves_its_input_alone() -> None:
    events = make_events(3, event_type="Click")
    transform_events(events, "2026-01-15")
    assert events == make_events(3, event_type="Click")


def test_deduplicate_keeps_the_first_of_each_in_order() -> None:
    events = [make_event("a", id=1), make_event("b", id=1), make_event("a", source="other", id=1)]
    unique, duplicates = deduplicate(transform_events(events, "2026-01-15", WRITTEN_AT))
    assert [(event["event_type"], event["source"]) for event in unique] == [("a", "web"), ("b", "web")]
    assert duplicates == 1
    assert all(len(event["dedup_key"]) == 32 for event in unique)
