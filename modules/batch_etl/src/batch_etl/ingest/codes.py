"""Reject codes: why a record is not loaded."""

from enum import StrEnum
from typing import Self

from platform_interfaces import Reason

MAX_LINE_BYTES = 16 * 1024 * 1024
MAX_RECORD_DEPTH = 512
"""Levels of a record, fields that are not stored included; the parser of every interpreter has them."""


class RejectCode(StrEnum):
    """The codes of one kind of reject; a member is its code, written with the message for people.

    A module lists its own in a subclass.

    Attributes:
        message: why, in a sentence.
        reason: the code and the message, as a reject keeps them.
        is_error: whether such a record is logged as an error; others are logged as warnings.
    """

    message: str
    reason: Reason
    is_error: bool

    def __new__(cls, code: str, message: str, is_error: bool = False) -> Self:
        """Return the member ``code``."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.message, member.is_error = message, is_error
        member.reason = Reason(member, message)
        return member


class LineCode(RejectCode):
    """Why a line is not loaded, whatever it is a record of."""

    LINE_TOO_LONG = "line_too_long", f"the line has more than {MAX_LINE_BYTES} bytes"
    NOT_AN_OBJECT = "not_an_object", "the line is JSON, but not an object"
    MALFORMED_JSON = "malformed_json", "the line is not JSON"
    NOT_UTF8 = "not_utf8", "the line is not UTF-8"
    TRUNCATED_LINE = "truncated_line", "the file ends in the middle of the line"
    WRONG_ENCODING = "wrong_encoding", "the file is UTF-16 or UTF-32, not UTF-8"
    TOO_DEEP = "too_deep", f"the line is nested over {MAX_RECORD_DEPTH} levels deep"
    REFUSED_BY_DATABASE = "refused_by_database", "the database refuses the row"
