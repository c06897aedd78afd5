"""Which raw events are good: data in, data out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batch_etl.transformer import Event, ensure_payload_dict, normalize_event_type
from platform_interfaces import LoggingInterface

MAX_TEXT_CHARACTERS = 255  # VARCHAR(255) of event_type and source
MAX_DEPTH = 100  # levels of a payload; parsers and databases give up at various greater depths

MALFORMED_PAYLOAD = "malformed_payload"


@dataclass(frozen=True)
class ValidationResult:
    """The events of a batch, parted.

    ``error_counts`` has the number of invalid events for each reason; ``reasons`` has one entry for each
    event that was given, in that order, None for a valid one.
    """

    valid: list[Event]
    invalid: list[Event]
    error_counts: dict[str, int]
    reasons: list[str | None]


def validate_single_event(event: Any) -> tuple[bool, str | None]:
    """Whether the event can be loaded, and, if not, the reason in one word."""
    reason = _problem(event)
    return reason is None, reason


def split_events(events: Sequence[Any]) -> ValidationResult:
    """The valid and the invalid ones, each in their order."""
    reasons = [_problem(event) for event in events]
    return ValidationResult(
        valid=[event for event, reason in zip(events, reasons, strict=True) if reason is None],
        invalid=[event for event, reason in zip(events, reasons, strict=True) if reason is not None],
        error_counts=dict(Counter(reason for reason in reasons if reason is not None)),
        reasons=reasons,
    )


def validate_events(events: Sequence[Any], log: LoggingInterface) -> tuple[list[Event], int]:
    """The valid events, and the number of invalid ones; each of those is logged with its reason."""
    result = split_events(events)
    for index, reason in enumerate(result.reasons):
        if reason is not None:
            log_invalid(log, reason, index=index)
    return result.valid, len(result.invalid)


def log_invalid(log: LoggingInterface, reason: str, **place: Any) -> None:
    """Report one invalid event: an error when its payload is broken JSON, else a warning."""
    report = log.error if reason == MALFORMED_PAYLOAD else log.warn
    report("Invalid event", reason=reason, **place)


def _problem(event: Any) -> str | None:
    if not isinstance(event, Mapping):
        return "not_an_object"
    return (
        _text_problem(event, "event_type")
        or _text_problem(event, "source")
        or _payload_problem(event.get("payload"))
    )


def _text_problem(event: Mapping[str, Any], field: str) -> str | None:
    text = event.get(field)
    if text is None:
        return f"missing_{field}"
    if not isinstance(text, str):
        return f"{field}_not_a_string"
    if not text.strip():
        return f"empty_{field}"
    if len(normalize_event_type(text) if field == "event_type" else text) > MAX_TEXT_CHARACTERS:
        return f"{field}_too_long"
    return "nul_character" if "\0" in text else None


def _payload_problem(payload: Any) -> str | None:
    if payload is None:
        return "missing_payload"
    try:
        payload = ensure_payload_dict(payload)
    except ValueError:
        return MALFORMED_PAYLOAD
    except TypeError:
        return "payload_not_an_object"
    return _value_problem(payload, MAX_DEPTH)


def _value_problem(value: Any, levels: int) -> str | None:
    """What of a JSON value the database cannot store; ``levels`` is how much deeper it may go."""
    if isinstance(value, str):
        return "nul_character" if "\0" in value else None
    if not isinstance(value, dict | list):
        return None
    if levels == 0:
        return "too_deep"
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    return next((problem for part in parts if (problem := _value_problem(part, levels - 1))), None)
