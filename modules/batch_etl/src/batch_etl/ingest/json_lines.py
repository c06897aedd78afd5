"""The format of JSON lines."""

from typing import Any

from batch_etl.ingest.cleaner import Rejected
from batch_etl.ingest.codes import MAX_RECORD_DEPTH, LineCode
from batch_etl.ingest.json_text import (
    TooDeepError,
    decode_json,
    is_beginning_of_json,
    is_shallow,
    parse_json_of_any_numbers,
)
from batch_etl.ingest.record_format import RecordFormat

# JSON of so many bytes cannot be nested too deep, for brackets are closed again.
_SURELY_SHALLOW_BYTES = 2 * MAX_RECORD_DEPTH


class JsonLines(RecordFormat):
    """One JSON value a line: what every file is that no other format recognises."""

    has_independent_lines = True

    @classmethod
    def recognises(cls, path: str, first_line: bytes) -> bool:
        """Return True."""
        return True

    def decode(self, line: bytes) -> Any:
        """Return the value, its numbers exact; one that no column can hold is ``OUT_OF_RANGE``."""
        try:
            record = decode_json(line)
        except (ValueError, RecursionError):  # rare: the careful parser says why, or reads what this cannot
            return _decode_carefully(line)
        if len(line) > _SURELY_SHALLOW_BYTES and not is_shallow(line, MAX_RECORD_DEPTH):
            return Rejected((LineCode.TOO_DEEP,))
        return record

    def is_beginning(self, line: bytes) -> bool:
        """Return whether the line is the beginning of a JSON value."""
        return is_beginning_of_json(line)


def _decode_carefully(line: bytes) -> Any:
    try:
        line.decode()  # first of all, for bytes that are not UTF-8 may look like other faults, too
        return parse_json_of_any_numbers(line)
    except UnicodeDecodeError:
        return Rejected((LineCode.NOT_UTF8,))
    except TooDeepError:
        return Rejected((LineCode.TOO_DEEP,))
    except ValueError:
        return Rejected((LineCode.MALFORMED_JSON,))
