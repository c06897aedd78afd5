"""How the lines of a file spell records: one class for each format."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from batch_etl.ingest.cleaner import Rejected
from batch_etl.ingest.codes import MAX_RECORD_DEPTH, LineCode, RejectCode
from batch_etl.ingest.json_text import (
    TooDeepError,
    decode_json,
    is_beginning_of_json,
    is_shallow,
    parse_json_of_any_numbers,
)

# JSON of so many bytes cannot be nested too deep, for brackets are closed again.
_SURELY_SHALLOW_BYTES = 2 * MAX_RECORD_DEPTH


class RecordFormat(ABC):
    """The format of one file, whose lines are records. A new one is a subclass that ``FORMATS`` lists.

    Attributes:
        has_header: whether the first line names the fields of all others; each reject keeps it, so that it
            can be read by itself.
        long_line_code: why a line that is too long to be decoded is rejected.
    """

    has_header: ClassVar[bool] = False
    long_line_code: ClassVar[RejectCode] = LineCode.LINE_TOO_LONG

    def __init__(self, header: bytes = b"") -> None:
        """Prepare to decode the lines of a file whose header is this, if the format has one."""
        self.header = header

    @classmethod
    @abstractmethod
    def recognises(cls, path: str, first_line: bytes) -> bool:
        """Return whether a file is of this format, by its path or its first line."""

    @abstractmethod
    def decode(self, line: bytes) -> Any:
        """Return the record of a line, or ``Rejected`` when it is not one. Blank lines may be rejected."""

    def is_beginning(self, line: bytes) -> bool:
        """Return whether the line, which cannot be decoded, lacks nothing but its end."""
        return False


class WrongEncoding(RecordFormat):
    """UTF-16 or UTF-32, as the byte order mark says: no line of it can be read."""

    long_line_code = LineCode.WRONG_ENCODING  # to split the line would not help
    # In both byte orders; the marks of UTF-32 begin like these or with two zero bytes.
    _MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

    @classmethod
    def recognises(cls, path: str, first_line: bytes) -> bool:
        """Return whether the file begins with such a mark."""
        return first_line.startswith(cls._MARKS)

    def decode(self, line: bytes) -> Rejected:
        """Reject the line."""
        return Rejected((LineCode.WRONG_ENCODING,))


class JsonLines(RecordFormat):
    """One JSON value a line: what every file is that no other format recognises."""

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


FORMATS: tuple[type[RecordFormat], ...] = (WrongEncoding, JsonLines)
"""The first that recognises a file reads it."""


def find_format(path: str, first_line: bytes) -> type[RecordFormat]:
    """Return the format of a file."""
    return next(each for each in FORMATS if each.recognises(path, first_line))
