"""From valid raw events to cleaned ones: data in, data out."""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from batch_etl.json_text import dump_canonical, parse_json

Event = dict[str, Any]
KEY_BYTES = hashlib.sha256().digest_size


def transform_events(
    events: Sequence[Mapping[str, Any]], date: str, created_at: dt.datetime | None = None
) -> list[Event]:
    """The events in the cleaned format, in the same order, with ``event_date`` and ``created_at`` added.

    Args:
        events: valid ones, as ``validate_single_event`` defines it.
        date: YYYY-MM-DD.
        created_at: aware; the same for all of them. None means now.
    """
    day, moment = dt.date.fromisoformat(date), created_at or dt.datetime.now(dt.UTC)
    return [transform_event(event, day, moment) for event in events]


def transform_event(event: Mapping[str, Any], event_date: dt.date, created_at: dt.datetime) -> Event:
    """One valid event in the cleaned format."""
    return {
        "event_type": normalize_event_type(event["event_type"]),
        "payload": ensure_payload_dict(event["payload"]),
        "source": event["source"],
        "event_date": event_date,
        "created_at": created_at,
    }


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
    digest = begin_digest(event["event_type"], event.get("event_date"))
    digest.update(dump_canonical(event["payload"]))
    return digest.hexdigest()


def deduplicate(events: Sequence[Event]) -> tuple[list[Event], int]:
    """The first event of each key, as ``with_dedup_key`` makes it, and the number of the others."""
    unique: dict[bytes, Event] = {}
    for event in map(with_dedup_key, events):
        unique.setdefault(event["dedup_key"], event)
    return list(unique.values()), len(events) - len(unique)


def with_dedup_key(event: Event) -> Event:
    """The event with its ``dedup_key``, 32 bytes, and as payload the JSON that it was computed from."""
    payload = dump_canonical(event["payload"])
    digest = begin_digest(event["event_type"], event["event_date"])
    digest.update(payload)
    return {**event, "payload": payload, "dedup_key": digest.digest()}


def begin_digest(event_type: str, event_date: dt.date | None) -> "hashlib._Hash":
    """What the key of an event is computed with, up to its payload as ``dump_canonical`` writes it."""
    return hashlib.sha256(f"{event_type}\0{event_date}\0".encode())
