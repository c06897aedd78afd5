"""What a load makes of a line is what the documented functions of batch_etl make of it, rule by rule."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_etl import validator
from batch_etl.cleaner import EventCleaner
from batch_etl.codes import MAX_DEPTH, EventCode
from batch_etl.events import COLUMNS, KEY
from batch_etl.ingest import JsonLines, PartlyStored, Rejected
from batch_etl.transformer import compute_dedup_key, deduplicate, transform_events
from batch_etl.validator import find_problems, validate_single_event

DATE = "2026-01-15"

texts = st.one_of(
    st.text(max_size=5),
    st.sampled_from(["", " ", "\t\n", "a\0b", "x" * 255, "x" * 256, " " * 300 + "x", "\u0130" * 130, "A b"]),
)
scalars = st.none() | st.booleans() | st.integers() | texts


def nest(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
) | st.sampled_from([nest(MAX_DEPTH - 1), nest(MAX_DEPTH), "\\u0000", "[" * 500])
payloads = st.dictionaries(texts, values, max_size=3)
events = st.fixed_dictionaries(
    {},
    optional={
        "event_type": texts | scalars,
        "payload": payloads | payloads.map(json.dumps) | values,
        "source": texts | scalars | st.lists(scalars, max_size=1),
        "extra": scalars,
    },
)


def clean(record: Any) -> Any:
    """Return what a load makes of the line of a record, without the names of fields that are not stored."""
    decoded = JsonLines().decode(json.dumps(record).encode())
    cleaned = EventCleaner(dt.date.fromisoformat(DATE)).clean(decoded)
    return cleaned.row if isinstance(cleaned, PartlyStored) else cleaned


@given(events | values)
def test_a_load_rejects_what_the_validator_finds_and_no_other(record: Any) -> None:
    found = find_problems(json.loads(json.dumps(record)))
    cleaned = clean(record)
    assert (tuple(cleaned.codes) if isinstance(cleaned, Rejected) else ()) == found
    assert validate_single_event(record) == (not found, found[0] if found else None)


@given(
    st.fixed_dictionaries(
        {"event_type": texts, "payload": payloads | payloads.map(json.dumps), "source": texts}
    )
)
def test_a_load_stores_what_the_transformer_makes(record: dict[str, Any]) -> None:
    cleaned = clean(record)
    if isinstance(cleaned, Rejected):
        return
    [event], _ = deduplicate(transform_events([record], DATE))
    assert cleaned == tuple(event[name] for name in COLUMNS)
    assert event[KEY].hex() == compute_dedup_key(transform_events([record], DATE)[0])


@contextmanager
def rule(code: EventCode) -> Iterator[None]:
    """Have two more rules, as a user may write them; the first is always obeyed."""

    def find(event_type: str, payload: dict[str, Any], source: str) -> EventCode | None:
        price = payload.get("price", 0)
        return code if isinstance(price, int) and price < 0 else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validator, "RULES", (lambda *_: None, find))
        yield


@given(st.fixed_dictionaries({"event_type": texts, "payload": payloads, "source": texts}), st.integers())
def test_a_rule_that_is_added_is_obeyed_alike(record: dict[str, Any], price: int) -> None:
    record["payload"] = {**record["payload"], "price": price}
    with rule(EventCode.MALFORMED_PAYLOAD):
        found = find_problems(record)
        cleaned = clean(record)
        assert (tuple(cleaned.codes) if isinstance(cleaned, Rejected) else ()) == found
        if price < 0:
            assert found


@pytest.mark.parametrize(
    ("name", "replacement"),
    [
        ("find_event_type_problem", EventCode.MISSING_EVENT_TYPE),
        ("find_source_problem", EventCode.MISSING_SOURCE),
        ("find_payload_problem", EventCode.NUL_CHARACTER),
    ],
)
def test_each_rule_of_a_field_stands_in_one_place(
    monkeypatch: pytest.MonkeyPatch, name: str, replacement: EventCode
) -> None:
    record = {"event_type": "a", "payload": {"n": 1}, "source": "b"}
    monkeypatch.setattr(validator, name, lambda value: replacement)
    assert clean(record) == Rejected((replacement,))
    assert validate_single_event(record) == (False, replacement)
