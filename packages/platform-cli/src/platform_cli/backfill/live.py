"""The rows that show a backfill on a terminal."""

import datetime as dt
import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from platform_cli._text import printable
from platform_cli.backfill.child_log import ChildLog
from platform_cli.backfill.outcome import DateOutcome, DateStatus

_MIN_BAR, _MAX_BAR = 8, 40
_GAP = "  "


class LiveDates:
    """Renders a row for all dates, and one for each date that runs, as many as the terminal has room for.

    Args:
        count: how many dates will be run.
        terminal: where the rows are shown.
        clock: seconds.
    """

    def __init__(self, count: int, terminal: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._count, self._clock, self._started = count, clock, clock()
        self._running: dict[dt.date, tuple[float, ChildLog]] = {}
        self._ended = self._failed = 0
        self._console = Console(file=terminal, force_terminal=True, highlight=False, soft_wrap=False)

    def begin(self, date: dt.date, log: ChildLog) -> None:
        """Add a row for a date."""
        self._running[date] = self._clock(), log

    def end(self, outcome: DateOutcome) -> None:
        """Count a date, and remove its row."""
        del self._running[outcome.date]
        self._ended += 1
        self._failed += outcome.status is DateStatus.FAILED

    def render(self) -> str:
        """Return the rows, each with its end."""
        width = self._console.width - 1  # a full row would move the cursor to the next one
        running = list(self._running.items())  # a copy, because a thread of its own draws
        shown = running[: max(1, self._console.height - 4)]
        with self._console.capture() as capture:
            self._print(self._render_all(width), width)
            for date, (started, log) in shown:
                self._print(Text(self._describe(date, started, log)), width)
            if len(shown) < len(running):
                self._print(Text(f"and {len(running) - len(shown)} more", "dim"), width)
        return capture.get()

    def _print(self, row: Table | Text, width: int) -> None:
        self._console.print(row, no_wrap=True, overflow="crop", crop=True, width=width)

    def _render_all(self, width: int) -> Table | Text:
        text = Text(f"{self._ended} of {self._count} dates")
        if self._failed:
            text.append(f"{_GAP}{self._failed} failed", "red")
        text.append("".join(_GAP + each for each in self._estimate()))
        bar_width = min(width - text.cell_len - len(_GAP), _MAX_BAR)
        if bar_width < _MIN_BAR:
            return text
        row = Table.grid(padding=(0, len(_GAP), 0, 0), pad_edge=False)
        row.add_row(ProgressBar(self._count, self._ended, width=bar_width), text)
        return row

    def _estimate(self) -> list[str]:
        elapsed = self._clock() - self._started
        left = self._count - self._ended
        if not self._ended or not left:
            return [_show_duration(elapsed)]
        return [_show_duration(elapsed), f"{_show_duration(elapsed * left / self._ended)} left"]

    def _describe(self, date: dt.date, started: float, log: ChildLog) -> str:
        elapsed = _show_duration(self._clock() - started)
        return printable(_GAP.join([str(date), elapsed, *log.describe_progress()]))


def _show_duration(seconds: float) -> str:
    return str(dt.timedelta(seconds=round(seconds)))
