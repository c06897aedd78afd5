"""From valid raw events to cleaned ones: data in, data out."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from batch_etl.events import compute_key
from batch_etl.ingest.json_text import dump_canonical, parse_json

Event = dict[str, Any]


def transform_events(
    events: Sequence[Mapping[str, Any]], date: str, created_at: dt.datetime | None = None
) -> list[Event]:
    """Return the events in the cleaned format, in the same order, with ``event_date`` and ``created_at``.

    Args:
        events: valid ones, as ``validate_single_event`` defines it.
        date: YYYY-MM-DD.
        created_at: aware; the same for all of them. None means now.
    """
    event_date, written_at = dt.date.fromisoformat(date), created_at or dt.datetime.now(dt.UTC)
    return [transform_event(event, event_date, written_at) for event in events]


def transform_event(event: Mapping[str, Any], event_date: dt.date, created_at: dt.datetime) -> Event:
    """Return a valid event in the cleaned format."""
    return {
        "event_type": normalize_event_type(event["event_type"]),
        "payload": ensure_payload_dict(event["payload"]),
        "source": event["source"],
        "event_date": event_date,
        "created_at": created_at,
    }


def normalize_event_type(event_type: str) -> str:
    """Return the type in lower case, without blanks around it."""
    return event_type.strip().lower()


def ensure_payload_dict(payload: Any) -> dict[str, Any]:
    """Return the payload itself, or the object that it spells out when it is a JSON string.

    Raises:
        ValueError: when it is a string, but not JSON.
        TypeError: when it is not an object in the end.
    """
    if isinstance(payload, str):
        payload = parse_json(payload)
    if not isinstance(payload, dict):
        raise TypeError(f"a payload must be an object, not {type(payload).__name__}")
    return payload


def compute_dedup_key(event: Mapping[str, Any]) -> str:
    """Return 64 hexadecimal digits: the SHA-256 of event type, payload and event date.

    Key order, blanks and escapes in the payload do not matter; numbers are compared as written, so 1 and
    1.0 differ.
    """
    return compute_key(event["event_type"], dump_canonical(event["payload"]), event.get("event_date")).hex()


def deduplicate(events: Sequence[Event]) -> tuple[list[Event], int]:
    """Return the first event of each key, as ``with_dedup_key`` makes it, and the number of the others."""
    unique: dict[bytes, Event] = {}
    for event in map(with_dedup_key, events):
        unique.setdefault(event["dedup_key"], event)
    return list(unique.values()), len(events) - len(unique)


def with_dedup_key(event: Event) -> Event:
    """Return the event with its ``dedup_key``, 32 bytes, and its payload as canonical JSON."""
    payload = dump_canonical(event["payload"])
    key = compute_key(event["event_type"], payload, event["event_date"])
    return {**event, "payload": payload, "dedup_key": key}
