"""Which raw events are valid: data in, data out.

Each rule stands here once, and every load, dry run and retry obeys it. A rule of your own is a function that
``RULES`` lists.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from batch_etl.codes import MAX_DEPTH, MAX_TEXT_CHARACTERS, EventCode
from batch_etl.ingest import LineCode, RejectCode
from batch_etl.ingest.json_text import (
    NumberOutOfRangeError,
    TooDeepError,
    call_with_room,
    dump_canonical,
    is_shallow,
    parse_json,
)
from batch_etl.transformer import Event, ensure_payload_dict, normalize_event_type
from platform_interfaces import LoggingInterface

# JSON of so many bytes cannot be nested too deep, for brackets are closed again.
_SURELY_SHALLOW_BYTES = 2 * MAX_DEPTH
_BACKSLASH = ord("\\")

Rule: TypeAlias = Callable[[str, dict[str, Any], str], EventCode | None]
"""Return why an event is not valid, from its type as it is stored, its payload and its source; else None."""

RULES: tuple[Rule, ...] = ()
"""What an event must also obey whose fields are all there and can be stored."""


@dataclass(frozen=True)
class ValidationResult:
    """The events of a batch, split.

    Attributes:
        valid: the valid events, in their order.
        invalid: the others, in theirs.
        error_counts: the number of invalid events for each first code.
        codes: all codes of each event that was given, in that order; empty for a valid one.
    """

    valid: list[Event]
    invalid: list[Event]
    error_counts: dict[str, int]
    codes: list[tuple[RejectCode, ...]]


def validate_single_event(event: Any) -> tuple[bool, str | None]:
    """Return whether the event can be loaded, and, if not, the first reject code."""
    codes = find_problems(event)
    return not codes, codes[0] if codes else None


def split_events(events: Sequence[Any]) -> ValidationResult:
    """Return the valid and the invalid events."""
    codes = [find_problems(event) for event in events]
    return ValidationResult(
        valid=[event for event, found in zip(events, codes, strict=True) if not found],
        invalid=[event for event, found in zip(events, codes, strict=True) if found],
        error_counts=dict(Counter(str(found[0]) for found in codes if found)),
        codes=codes,
    )


def validate_events(events: Sequence[Any], log: LoggingInterface) -> tuple[list[Event], int]:
    """Return the valid events and the number of invalid ones; log each of these with its code."""
    result = split_events(events)
    for index, codes in enumerate(result.codes):
        if codes:
            report = log.error if codes[0].is_error else log.warn
            report("Invalid event", reason=str(codes[0]), index=index)
    return result.valid, len(result.invalid)


def find_problems(event: Any) -> tuple[RejectCode, ...]:
    """Return all codes of why the event cannot be loaded; empty for a valid one."""
    if not isinstance(event, dict):
        return (LineCode.NOT_AN_OBJECT,)
    event_type: Any = event.get("event_type")
    payload: Any = event.get("payload")
    source: Any = event.get("source")
    fields = (
        find_event_type_problem(event_type),
        find_source_problem(source),
        _find_any_payload_problem(payload),
    )
    found = tuple(code for code in fields if code)
    if found:
        return found
    stored_type, payload = normalize_event_type(event_type), ensure_payload_dict(payload)
    return tuple(code for rule in RULES if (code := rule(stored_type, payload, source)))


def find_rule_problem(event_type: str, payload: dict[str, Any], source: str) -> EventCode | None:
    """Return the code of the first of ``RULES`` that the event does not obey; None when it obeys all."""
    for rule in RULES:
        if code := rule(event_type, payload, source):
            return code
    return None


def find_event_type_problem(event_type: Any) -> EventCode | None:
    """Return why a value cannot be the type of an event; None when it can."""
    if event_type is None:
        return EventCode.MISSING_EVENT_TYPE
    if not isinstance(event_type, str):
        return EventCode.EVENT_TYPE_NOT_A_STRING
    if not event_type.strip():
        return EventCode.EMPTY_EVENT_TYPE
    if len(normalize_event_type(event_type)) > MAX_TEXT_CHARACTERS:
        return EventCode.EVENT_TYPE_TOO_LONG
    return EventCode.NUL_CHARACTER if "\0" in event_type else None


def find_source_problem(source: Any) -> EventCode | None:
    """Return why a value cannot be the source of an event; None when it can."""
    if source is None:
        return EventCode.MISSING_SOURCE
    if not isinstance(source, str):
        return EventCode.SOURCE_NOT_A_STRING
    if not source.strip():
        return EventCode.EMPTY_SOURCE
    if len(source) > MAX_TEXT_CHARACTERS:
        return EventCode.SOURCE_TOO_LONG
    return EventCode.NUL_CHARACTER if "\0" in source else None


def find_payload_problem(canonical: bytes) -> EventCode | None:
    """Return why the database cannot store a payload, from its canonical JSON; None when it can."""
    # Mostly there is none, and a number is found five times as quickly as bytes are.
    if _BACKSLASH in canonical and b"\\u0000" in canonical.replace(b"\\\\", b""):
        return EventCode.NUL_CHARACTER
    if len(canonical) > _SURELY_SHALLOW_BYTES and not is_shallow(canonical, MAX_DEPTH):
        return EventCode.TOO_DEEP
    return None


def _find_any_payload_problem(payload: Any) -> EventCode | None:
    if payload is None:
        return EventCode.MISSING_PAYLOAD
    try:
        canonical = call_with_room(dump_canonical, ensure_payload_dict(payload))
        parse_json(canonical)  # an event that was not read from a line may have any numbers
        return find_payload_problem(canonical)
    except NumberOutOfRangeError:
        return EventCode.NUMBER_OUT_OF_RANGE
    except (TooDeepError, RecursionError):
        return EventCode.TOO_DEEP
    except ValueError:
        return EventCode.MALFORMED_PAYLOAD
    except TypeError:
        return EventCode.PAYLOAD_NOT_AN_OBJECT
