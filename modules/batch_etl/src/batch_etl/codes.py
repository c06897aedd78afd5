"""Reject codes of events: why a line that can be read is not a valid event."""

from batch_etl.ingest import RejectCode

MAX_TEXT_CHARACTERS = 255
"""What VARCHAR(255) holds: the columns of event_type and source."""
MAX_DEPTH = 100
"""Levels of a payload; parsers and databases give up at various greater depths."""

IS_ERROR = True
"""The specification logs such an event as an error; the others are warnings."""


class EventCode(RejectCode):
    """Why a record is not a valid event."""

    MISSING_EVENT_TYPE = "missing_event_type", "event_type is missing or null"
    EVENT_TYPE_NOT_A_STRING = "event_type_not_a_string", "event_type is not a string"
    EMPTY_EVENT_TYPE = "empty_event_type", "event_type has nothing but blanks"
    EVENT_TYPE_TOO_LONG = (
        "event_type_too_long",
        f"event_type has more than {MAX_TEXT_CHARACTERS} characters",
    )
    MISSING_SOURCE = "missing_source", "source is missing or null"
    SOURCE_NOT_A_STRING = "source_not_a_string", "source is not a string"
    EMPTY_SOURCE = "empty_source", "source has nothing but blanks"
    SOURCE_TOO_LONG = "source_too_long", f"source has more than {MAX_TEXT_CHARACTERS} characters"
    MISSING_PAYLOAD = "missing_payload", "payload is missing or null"
    PAYLOAD_NOT_AN_OBJECT = "payload_not_an_object", "payload is not an object"
    MALFORMED_PAYLOAD = "malformed_payload", "payload is a string, but not JSON", IS_ERROR
    TOO_DEEP = "too_deep", f"payload is nested over {MAX_DEPTH} levels deep"
    NUL_CHARACTER = "nul_character", "a string has the character U+0000, which PostgreSQL cannot store"
    NUMBER_OUT_OF_RANGE = (
        "number_out_of_range",
        "a number has more than 131072 digits before the point or 16383 after it",
    )
    UNKNOWN_FIELDS = (
        "unknown_fields",
        "there are fields beside event_type, payload and source, and --unknown-fields is reject",
    )
