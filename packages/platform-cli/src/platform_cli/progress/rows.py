"""Progress as rows of a terminal, however narrow it is."""

from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, Group
from rich.filesize import decimal
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from platform_cli._durations import format_clock
from platform_cli._masking import hide_secrets
from platform_cli._text import printable
from platform_cli.progress.meter import Reading

GAP = "  "
_MIN_BAR, _MAX_BAR, _MIN_NAME = 8, 40, 12


class ProgressRows:
    """Renders two rows: how much of all is done, and how much that is.

    What does not fit is left out, the least important first.
    """

    def __init__(self, name: str, terminal: TextIO) -> None:
        self._name = printable(name)
        self._console = make_console(terminal)

    def render(self, reading: Reading) -> str:
        """Return the rows, each with its end."""
        width = row_width(self._console)
        rows = self._render_share(reading, width), self._render_counts(reading, width)
        return render_rows(self._console, rows)

    def _render_share(self, reading: Reading, width: int) -> Table | Text:
        share, progress = reading.share, reading.progress
        elapsed = format_clock(reading.seconds)
        if share is None:
            read = [f"{decimal(progress.read_bytes)} read"] if progress.read_bytes else []
            return Text(_join([self._name, elapsed, *read], width))
        left = [] if reading.seconds_left is None else [f"{format_clock(reading.seconds_left)} left"]
        size = f"{decimal(progress.read_bytes)} of {decimal(progress.total_bytes or 0)}"
        text = _join([f"{int(100 * share):3}%", size, *left], width)
        return draw_bar(share, Text(text), width)

    def _render_counts(self, reading: Reading, width: int) -> Text:
        progress = reading.progress
        if not progress.records:
            return Text(self._show_path(progress.current, width))
        items = [f"{progress.records:,} {progress.unit}"]
        if reading.per_second:
            items.append(f"{reading.per_second:,.0f}/s")
        if progress.rejected:
            items.append(f"{progress.rejected:,} rejected")
        row = Text(_join(items, width))
        if progress.rejected:
            row.highlight_words([items[-1]], "yellow")
        room = width - row.cell_len - len(GAP)
        return row.append(GAP + self._show_path(progress.current, room), "dim") if room > _MIN_NAME else row

    def _show_path(self, path: str, width: int) -> str:
        """Return a path that fits; of a long one, its end."""
        text = printable(hide_secrets(path))
        text = text.encode(self._console.encoding, "replace").decode(self._console.encoding)
        if cell_len(text) <= width:
            return text
        while text and cell_len(text) > width - 3:
            text = text[1:]
        return f"...{text}" if width > _MIN_NAME else ""


def make_console(terminal: TextIO) -> Console:
    """Return a console for rows of ``terminal``."""
    return Console(file=terminal, force_terminal=True, highlight=False, soft_wrap=False)


def row_width(console: Console) -> int:
    """Return how wide a row may be: a full one would move the cursor to the next."""
    return console.width - 1


def draw_bar(share: float, text: Text, width: int) -> Table | Text:
    """Return ``text`` behind a bar of which ``share`` is full; alone where there is no room for a bar."""
    bar_width = min(width - text.cell_len - len(GAP), _MAX_BAR)
    if bar_width < _MIN_BAR:
        return text
    row = Table.grid(padding=(0, len(GAP), 0, 0), pad_edge=False)
    row.add_row(ProgressBar(total=1.0, completed=share, width=bar_width), text)
    return row


def render_rows(console: Console, rows: Iterable[Table | Text]) -> str:
    """Return the rows, each with its end; of a row, what fits."""
    with console.capture() as capture:
        console.print(
            Group(*rows), no_wrap=True, overflow="crop", crop=True, width=max(1, row_width(console))
        )
    return capture.get()


def _join(items: Sequence[str], width: int) -> str:
    """Return the items beside each other, as many as fit."""
    text = items[0][:width]
    for item in items[1:]:
        if cell_len(text) + len(GAP) + cell_len(item) > width:
            break
        text += GAP + item
    return text
