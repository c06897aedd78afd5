"""Why a line is rejected."""

from platform_interfaces import Reason

MAX_LINE_BYTES = 16 * 1024 * 1024
MAX_TEXT_CHARACTERS = 255  # VARCHAR(255) of event_type and source
MAX_DEPTH = 100  # levels of a payload; parsers and databases give up at various greater depths
MAX_LINE_DEPTH = (
    512  # levels of a line, keys that are not stored included; every interpreter's parser has them
)

MALFORMED_PAYLOAD = "malformed_payload"
REFUSED = "refused_by_database"
UNKNOWN_FIELDS = "unknown_fields"

_MESSAGES = {
    # The line cannot be read.
    "line_too_long": f"the line has more than {MAX_LINE_BYTES} bytes",
    "malformed_json": "the line is not JSON",
    "number_out_of_range": "a number has more than 131072 digits before the point or 16383 after it",
    "not_utf8": "the line is not UTF-8",
    "truncated_line": "the file ends in the middle of the line",
    "wrong_encoding": "the file is UTF-16 or UTF-32, not UTF-8",
    # The line is no valid event.
    "not_an_object": "the line is JSON, but no object",
    "missing_event_type": "event_type is missing or null",
    "event_type_not_a_string": "event_type is no string",
    "empty_event_type": "event_type has nothing but blanks",
    "event_type_too_long": f"event_type has more than {MAX_TEXT_CHARACTERS} characters",
    "missing_source": "source is missing or null",
    "source_not_a_string": "source is no string",
    "empty_source": "source has nothing but blanks",
    "source_too_long": f"source has more than {MAX_TEXT_CHARACTERS} characters",
    "missing_payload": "payload is missing or null",
    "payload_not_an_object": "payload is no object",
    MALFORMED_PAYLOAD: "payload is a string, but no JSON",
    "too_deep": f"payload is nested over {MAX_DEPTH} levels deep, or the line over {MAX_LINE_DEPTH}",
    "nul_character": "a string has the character U+0000, which PostgreSQL cannot store",
    UNKNOWN_FIELDS: "there are fields beside event_type, payload and source, and --unknown-fields is reject",
    # The event is valid as far as we know.
    REFUSED: "the database refuses the row",
}
REASONS = {code: Reason(code, message) for code, message in _MESSAGES.items()}
