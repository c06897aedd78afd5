"""From valid raw events to cleaned ones: data in, data out."""

import datetime as dt
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from batch_etl.json_text import dump_canonical, parse_json
from platform_interfaces import JsonText

Event = dict[str, Any]


def transform_events(
    events: Sequence[Mapping[str, Any]], date: str, created_at: dt.datetime | None = None
) -> list[Event]:
    """The events in the cleaned format, in the same order, with ``event_date`` and ``created_at`` added.

    Args:
        events: valid ones, as ``validate_single_event`` defines it.
        date: YYYY-MM-DD.
        created_at: aware; the same for all of them. None means now.
    """
    event_date = dt.date.fromisoformat(date)
    created_at = created_at or dt.datetime.now(dt.UTC)
    return [
        {
            "event_type": normalize_event_type(event["event_type"]),
            "payload": ensure_payload_dict(event["payload"]),
            "source": event["source"],
            "event_date": event_date,
            "created_at": created_at,
        }
        for event in events
    ]


def normalize_event_type(event_type: str) -> str:
    """Lower case, without blanks around it."""
    return event_type.strip().lower()


def ensure_payload_dict(payload: Any) -> dict[str, Any]:
    """The payload itself, or the object that it spells out when it is a JSON string.

    Raises:
        ValueError: when it is a string, but no JSON.
        TypeError: when it is no object in the end.
    """
    if isinstance(payload, str):
        payload = parse_json(payload)
    if not isinstance(payload, dict):
        raise TypeError(f"a payload must be an object, not {type(payload).__name__}")
    return payload


def compute_dedup_key(event: Mapping[str, Any]) -> str:
    """64 hexadecimal digits: the SHA-256 of event type, payload and event date.

    Key order, blanks and escapes in the payload do not matter; numbers are compared as written, so 1 and
    1.0 differ.
    """
    return _digest(event, dump_canonical(event["payload"]))


def deduplicate(events: Sequence[Event]) -> tuple[list[Event], int]:
    """The first event of each key, and the number of the others.

    Those kept have their ``dedup_key`` added, and as payload the JSON that it was computed from.
    """
    unique: dict[str, Event] = {}
    for event in events:
        payload = dump_canonical(event["payload"])
        key = _digest(event, payload)
        if key not in unique:
            unique[key] = {**event, "payload": JsonText(payload), "dedup_key": key}
    return list(unique.values()), len(events) - len(unique)


def _digest(event: Mapping[str, Any], payload: str) -> str:
    return sha256(f"{event['event_type']}\0{event.get('event_date')}\0{payload}".encode()).hexdigest()
