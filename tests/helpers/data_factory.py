"""Events for tests: valid ones, ones with a known fault, and their JSON lines."""

import json
from collections.abc import Iterable
from typing import Any

Event = dict[str, Any]

_FAULTS: dict[str, Event] = {
    "missing_type": {"event_type": None},
    "empty_type": {"event_type": "  "},
    "missing_payload": {"payload": None},
    "payload_not_object": {"payload": [1, 2]},
    "malformed_payload": {"payload": "not_a_dict"},
    "missing_source": {"source": None},
    "empty_source": {"source": ""},
}


def make_event(event_type: str = "page_view", source: str = "web", **payload_fields: Any) -> Event:
    """Return a valid event; the other keyword arguments are its payload."""
    return {"event_type": event_type, "payload": payload_fields or {"url": "/home"}, "source": source}


def make_events(count: int, **overrides: Any) -> list[Event]:
    """Return ``count`` valid events, different by the ``id`` in their payload, 0 and up."""
    return [make_event(**{**overrides, "id": number}) for number in range(count)]


def make_invalid_event(reason: str = "missing_type") -> Event:
    """Return an event with one fault.

    Raises:
        ValueError: when ``reason`` is none of those that are known.
    """
    if reason not in _FAULTS:
        raise ValueError(f"unknown reason {reason!r}: there are {', '.join(_FAULTS)}")
    event = {**make_event(), **_FAULTS[reason]}
    return {key: value for key, value in event.items() if value is not None}


def events_to_jsonl(events: Iterable[Event]) -> bytes:
    """Return a line of JSON for each event, each ended by a line feed."""
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events).encode()
