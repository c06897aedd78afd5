"""Which raw events are good: data in, data out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from batch_etl.json_text import NumberOutOfRangeError, TooDeepError, is_in_range
from batch_etl.reasons import MALFORMED_PAYLOAD, MAX_DEPTH, MAX_TEXT_CHARACTERS
from batch_etl.transformer import Event, ensure_payload_dict, normalize_event_type
from platform_interfaces import LoggingInterface


@dataclass(frozen=True)
class ValidationResult:
    """The events of a batch, parted.

    ``error_counts`` has the number of invalid events for each first reason; ``reasons`` has all reasons for
    each event that was given, in that order, none for a valid one.
    """

    valid: list[Event]
    invalid: list[Event]
    error_counts: dict[str, int]
    reasons: list[tuple[str, ...]]


def validate_single_event(event: Any) -> tuple[bool, str | None]:
    """Whether the event can be loaded, and, if not, the first reason, which is a key of ``REASONS``."""
    reasons = find_problems(event)
    return not reasons, reasons[0] if reasons else None


def split_events(events: Sequence[Any]) -> ValidationResult:
    """The valid and the invalid ones, each in their order."""
    reasons = [find_problems(event) for event in events]
    return ValidationResult(
        valid=[event for event, found in zip(events, reasons, strict=True) if not found],
        invalid=[event for event, found in zip(events, reasons, strict=True) if found],
        error_counts=dict(Counter(found[0] for found in reasons if found)),
        reasons=reasons,
    )


def validate_events(events: Sequence[Any], log: LoggingInterface) -> tuple[list[Event], int]:
    """The valid events, and the number of invalid ones; each of those is logged with its reason."""
    result = split_events(events)
    for index, reasons in enumerate(result.reasons):
        if reasons:
            log_invalid(log, reasons[0], index=index)
    return result.valid, len(result.invalid)


def log_invalid(log: LoggingInterface, reason: str, **place: Any) -> None:
    """Report one invalid event: an error when its payload is broken JSON, else a warning."""
    report = log.error if reason == MALFORMED_PAYLOAD else log.warn
    report("Invalid event", reason=reason, **place)


def find_problems(event: Any) -> tuple[str, ...]:
    """All reasons why the event cannot be loaded, keys of ``REASONS``; none for a valid one."""
    if not isinstance(event, dict):
        return ("not_an_object",)
    found = (
        find_text_problem("event_type", event.get("event_type")),
        find_text_problem("source", event.get("source")),
        _payload_problem(event.get("payload")),
    )
    return tuple(problem for problem in found if problem)


@lru_cache(4096)  # most events share their few sources
def checked_source(source: str) -> str:
    """The source itself.

    Raises:
        ValueError: when ``find_problems`` finds one with it.
        TypeError: the same, of what is not even hashable.
    """
    if problem := find_text_problem("source", source):
        raise ValueError(problem)
    return source


def find_text_problem(field: str, text: Any) -> str | None:
    """The reason why ``text`` cannot be the event's ``event_type`` or ``source``; None when it can."""
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
    except NumberOutOfRangeError:
        return "number_out_of_range"
    except TooDeepError:
        return "too_deep"
    except ValueError:
        return MALFORMED_PAYLOAD
    except TypeError:
        return "payload_not_an_object"
    return _find_value_problem(payload)


def _find_value_problem(payload: Any) -> str | None:
    """Return what of a payload the database cannot store: level by level, for the stack has its limit."""
    values = [payload]
    for _ in range(MAX_DEPTH + 1):
        for value in values:
            if isinstance(value, str):
                if "\0" in value:
                    return "nul_character"
            elif isinstance(value, Decimal) and not is_in_range(value):
                return "number_out_of_range"
        if not (nested := [value for value in values if isinstance(value, dict | list)]):
            return None
        values = [part for value in nested for part in _parts(value)]
    return "too_deep"


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return (*value.keys(), *value.values()) if isinstance(value, dict) else value
