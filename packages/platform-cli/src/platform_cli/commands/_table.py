"""Tables of results: for people on a terminal, as plain aligned columns elsewhere."""

import os
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from platform_cli._masking import hide_in, hide_secrets
from platform_cli._render import show
from platform_cli._text import printable
from platform_cli.commands._base import say

# What a table adds to the values, for an output whose encoding lacks it.
_PLAIN_SIGNS = str.maketrans({"─": "-", "…": "~"})

_READABLE_TEXT, _READABLE_NUMBER = 8, 20
_GAP = 2


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Collection[str] = (),
    wrapped: Collection[str] = (),
    whole: Collection[str] = (),
    styles: Mapping[str, str] = MappingProxyType({}),
    missing: str = "",
    has_head: bool = True,
) -> None:
    """Print a line for each row, below the names of the columns.

    Columns of numbers are right-aligned. On a terminal the longest values lose their end, which an ellipsis
    shows, and a row is one line; where columns would be too narrow to be read, each row is a block with a
    line for each column. Without a terminal every value is whole. Secrets are hidden; control characters, and
    what the encoding of the output lacks, are escapes. All rows are in memory at once.

    Args:
        columns: the names, at least one.
        rows: as many values each; timestamps are shown in UTC, None as ``missing``.
        numbers: columns of text that are right-aligned, too, such as ``1,234`` or ``2.5 s``.
        wrapped: columns whose values are whole on a terminal, too, on as many lines as they need.
        whole: columns that are shortened last, such as those of names.
        styles: how a terminal draws the cells with these texts, as rich names styles.
        missing: what is shown where there is no value.
        has_head: whether the names are printed.

    Raises:
        OutputClosedError: when the reader has closed the output.
        PlatformError: when it cannot be written, on a full disk.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    values = list(rows)
    cells = [
        [_show(value, name, missing, encoding) for name, value in zip(columns, row, strict=True)]
        for row in values
    ]
    drawn = [
        _Column(
            _escape(name, encoding),
            is_right=name in numbers or _are_numbers(row[index] for row in values),
            is_wrapped=name in wrapped,
            is_whole=name in whole,
        )
        for index, name in enumerate(columns)
    ]
    if is_terminal():
        if _is_too_wide(drawn, cells):
            drawn, cells, styles, has_head = _stack(drawn, cells, styles)
        text = _draw(drawn, cells, styles, has_head=has_head)
    elif has_head or cells:
        text = _align(drawn, [[column.name for column in drawn], *cells][not has_head :])
    say(text if _can_encode("─…", encoding) else text.translate(_PLAIN_SIGNS))


def say_problem(subject: str, problem: str) -> None:
    """Print what is wrong with something that a table lists: a line for each problem, which are whole."""
    for line in problem.splitlines():
        say(printable(hide_secrets(line if subject in line else f"{subject}: {line}")))


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return bool(sys.stdout) and sys.stdout.isatty()


@dataclass(frozen=True)
class _Column:
    name: str
    is_right: bool
    is_wrapped: bool
    is_whole: bool


def _is_too_wide(columns: Sequence[_Column], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the terminal is too narrow for what must be seen of each value: numbers are whole."""
    from rich.cells import cell_len

    if len(columns) <= 2 or not rows:
        return False
    needed = _GAP * (len(columns) - 1)
    for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
        readable = _READABLE_NUMBER if column.is_right or column.is_whole else _READABLE_TEXT
        needed += min(max(map(cell_len, (column.name, *cells))), readable)
    return needed > shutil.get_terminal_size().columns


def _stack(
    columns: Sequence[_Column], rows: Sequence[Sequence[str]], styles: Mapping[str, str]
) -> tuple[list[_Column], list[list[str]], Mapping[str, str], bool]:
    """Return a table of names and values: a row for each value, and an empty one between the blocks."""
    names = [column.name for column in columns]
    lines: list[list[str]] = []
    for row in rows:
        lines += [["", ""]] if lines else []
        lines += map(list, zip(names, row, strict=True))
    name, value = (_Column("", is_right=False, is_wrapped=each, is_whole=not each) for each in (False, True))
    return [name, value], lines, {**dict.fromkeys(names, "bold"), **styles}, False


def _align(columns: Sequence[_Column], rows: Iterable[Sequence[str]]) -> str:
    from rich.cells import cell_len

    lines = list(rows)
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]

    def pad(cell: str, width: int, column: _Column) -> str:
        blanks = " " * (width - cell_len(cell))
        return blanks + cell if column.is_right else cell + blanks

    return "\n".join("  ".join(map(pad, line, widths, columns)).rstrip() for line in lines)


def _draw(
    columns: Sequence[_Column], rows: Iterable[Sequence[str]], styles: Mapping[str, str], *, has_head: bool
) -> str:
    """Return the table as a terminal shows it."""
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, show_header=has_head, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in columns:
        name = Text(column.name, overflow="ellipsis", no_wrap=True)
        table.add_column(name, justify="right" if column.is_right else "left", no_wrap=column.is_whole)
    for row in rows:
        cells = (
            Text(
                cell,
                styles.get(cell, ""),
                overflow="fold" if column.is_wrapped else "ellipsis",
                no_wrap=not column.is_wrapped,
            )
            for column, cell in zip(columns, row, strict=True)
        )
        table.add_row(*cells)
    drawn = StringIO()  # rich exits by itself where a pipe is closed
    width, is_styled = shutil.get_terminal_size().columns, "NO_COLOR" not in os.environ
    Console(file=drawn, width=width, force_terminal=is_styled, legacy_windows=False).print(table)
    return "\n".join(line.rstrip() for line in drawn.getvalue().removesuffix("\n").split("\n"))


def _are_numbers(values: Iterable[object]) -> bool:
    found = [value for value in values if value is not None]
    return bool(found) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in found
    )


def _show(value: object, name: str, missing: str, encoding: str) -> str:
    if value is None:
        return missing
    if isinstance(value, datetime) and value.tzinfo:
        value = value.astimezone(UTC).isoformat(" ").replace("+00:00", "Z")
    hidden = hide_in(value, name)
    return _escape(hidden if isinstance(hidden, str) else show(hidden), encoding)


def _escape(text: str, encoding: str) -> str:
    return printable(text).encode(encoding, "backslashreplace").decode(encoding)


def _can_encode(text: str, encoding: str) -> bool:
    return text.encode(encoding, "ignore").decode(encoding) == text
