"""CSV and the like, recognised by lines that all have as many columns."""

import csv
import re
from collections.abc import Collection, Sequence

_MAX_SHOWN = 8
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,39}")
_NO_NAME = re.compile(r"[-+]?[0-9.,:/TZ +-]*[0-9][0-9.,:/TZ +-]*|[{\[].*|true|false", re.IGNORECASE)
_DELIMITERS = {",": "CSV", "\t": "TSV", ";": "CSV with semicolons", "|": "CSV with bars"}


def find_table(lines: Sequence[bytes], fields: Collection[str]) -> str | None:
    """Return what kind of table the lines are, with its columns where these are surely not values.

    ``fields`` are those that a record should have.
    """
    try:
        texts = [line.decode() for line in lines if len(line) < 64 * 1024]
    except UnicodeDecodeError:
        texts = [line.decode("latin-1") for line in lines if len(line) < 64 * 1024]
    for delimiter, kind in _DELIMITERS.items():
        # A carriage return inside a line is an error to the reader.
        rows = [row for text in texts for row in csv.reader([text.replace("\r", " ")], delimiter=delimiter)]
        if _is_table(rows, fields):
            columns = f" with the columns {_join(rows[0])}" if _is_header(rows, fields) else ""
            return f"{kind}{columns}: {kind[:3]} is not read yet; convert it to one JSON object a line"
    return None


def _is_table(rows: Sequence[Sequence[str]], fields: Collection[str]) -> bool:
    if not rows or (width := len(rows[0])) < 2 or rows[0][0].startswith(("{", "[", "<")):
        return False
    if len(rows) == 1:
        return set(fields).issubset(name.strip().lower() for name in rows[0]) or (
            width > 2 and all(map(_is_word, rows[0]))
        )
    return sum(len(row) == width for row in rows) * 10 >= len(rows) * 9


def _is_word(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None


def _is_header(rows: Sequence[Sequence[str]], fields: Collection[str]) -> bool:
    """Return whether the first row is not like the others; a row of values must not be shown."""
    header, *others = rows
    if not all(_NAME.fullmatch(name.strip()) for name in header):
        return False
    if not {name.strip().lower() for name in header}.isdisjoint(fields):
        return True
    columns = zip(*(row for row in others if len(row) == len(header)), strict=True)
    return any(column and all(map(_NO_NAME.fullmatch, column)) for column in columns)


def _join(names: Sequence[str]) -> str:
    shown = ", ".join(name.strip() for name in names[:_MAX_SHOWN])
    return f"{shown} and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else shown
