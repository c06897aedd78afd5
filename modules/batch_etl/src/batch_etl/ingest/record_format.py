"""How the lines of a file spell records: what a format has to know."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from batch_etl.ingest.codes import LineCode, RejectCode


class RecordFormat(ABC):
    """The format of one file, whose lines are records. A new one is a subclass that ``FORMATS`` lists.

    Attributes:
        has_header: whether the first line names the fields of all others; each reject keeps it, so that it
            can be read by itself.
        has_independent_lines: whether any line can be read without those before it, a header among them, so
            that a large file can be loaded in parts.
        long_line_code: why a line that is too long to be decoded is rejected.
    """

    has_header: ClassVar[bool] = False
    has_independent_lines: ClassVar[bool] = False
    long_line_code: ClassVar[RejectCode] = LineCode.LINE_TOO_LONG

    def __init__(self, header: bytes = b"") -> None:
        """Prepare to decode the lines of a file whose header is this, if the format has one."""
        self.header = header

    @classmethod
    @abstractmethod
    def recognises(cls, path: str, first_line: bytes) -> bool:
        """Return whether a file is of this format, by its path (less ``.gz`` and the like) or first line."""

    @abstractmethod
    def decode(self, line: bytes) -> Any:
        """Return the record of a line, or ``Rejected`` when it is not one. Blank lines may be rejected."""

    def is_beginning(self, line: bytes) -> bool:
        """Return whether the line, which cannot be decoded, lacks nothing but its end."""
        return False
