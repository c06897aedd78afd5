"""The rows that show a backfill on a terminal."""

import datetime as dt
import time
from collections.abc import Callable
from typing import TextIO

from rich.table import Table
from rich.text import Text

from platform_cli._durations import format_clock
from platform_cli._text import printable
from platform_cli.backfill.child_log import ChildLog
from platform_cli.backfill.outcome import DateOutcome, DateStatus
from platform_cli.progress.rows import GAP, draw_bar, make_console, render_rows, row_width


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
        self._console = make_console(terminal)

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
        running = list(self._running.items())  # a copy, because a thread of its own draws
        shown = running[: max(1, self._console.height - 4)]
        rows = [self._render_all(), *(self._render_date(*each) for each in shown)]
        if len(shown) < len(running):
            rows.append(Text(f"and {len(running) - len(shown)} more", "dim"))
        return render_rows(self._console, rows)

    def _render_all(self) -> Table | Text:
        text = Text(f"{self._ended} of {self._count} dates")
        if self._failed:
            text.append(f"{GAP}{self._failed} failed", "red")
        text.append("".join(GAP + each for each in self._estimate()))
        return draw_bar(self._ended / self._count, text, row_width(self._console))

    def _estimate(self) -> list[str]:
        elapsed = self._clock() - self._started
        left = self._count - self._ended
        if not self._ended or not left:
            return [format_clock(elapsed)]
        return [format_clock(elapsed), f"{format_clock(elapsed * left / self._ended)} left"]

    def _render_date(self, date: dt.date, run: tuple[float, ChildLog]) -> Text:
        started, log = run
        elapsed = format_clock(self._clock() - started)
        return Text(printable(GAP.join([str(date), elapsed, *log.describe_progress()])))
