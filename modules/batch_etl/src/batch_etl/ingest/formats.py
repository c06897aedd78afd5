"""The formats that are read: which of them a file has."""

import re

from batch_etl.ingest.cleaner import Rejected
from batch_etl.ingest.codes import LineCode
from batch_etl.ingest.json_lines import JsonLines
from batch_etl.ingest.record_format import RecordFormat

COMPRESSED_SUFFIXES = re.compile(r"(\.(gz|gzip|zst|zstd))+$", re.IGNORECASE)


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


FORMATS: tuple[type[RecordFormat], ...] = (WrongEncoding, JsonLines)
"""The first that recognises a file reads it."""


def find_format(path: str, first_line: bytes) -> type[RecordFormat]:
    """Return the format of a file; it sees the path without the suffixes of compressed files."""
    content_path = COMPRESSED_SUFFIXES.sub("", path)
    return next(each for each in FORMATS if each.recognises(content_path, first_line))
