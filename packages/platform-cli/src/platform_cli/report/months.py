"""The dates of a load as sheets of a calendar."""

import calendar
import datetime as dt
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from platform_cli.report.loads import Load

MAX_MONTHS = 12


class Day(NamedTuple):
    """A day of a month; ``state`` is loaded, failed, missing, or outside of what has to be loaded."""

    number: int
    state: str
    title: str


class Month(NamedTuple):
    """A month; its weeks begin on Monday and have None for the days of other months."""

    label: str
    weeks: Sequence[Sequence[Day | None]]


def find_months(load: Load) -> list[Month]:
    """Return the latest months in which a date is missing, in order."""
    loaded = {day for day, _ in load.succeeded}
    empty = {day for day, run in load.ended if run.nothing_read} - loaded
    failed = {day: run.status for day, run in load.ended if day not in loaded | empty}

    def sheet(year: int, month: int) -> Iterator[list[Day | None]]:
        for week in calendar.monthcalendar(year, month):
            yield [day(dt.date(year, month, number)) if number else None for number in week]

    def day(date: dt.date) -> Day:
        if date in loaded:
            return Day(date.day, "loaded", f"{date}: loaded")
        if date in empty:
            return Day(date.day, "missing", f"{date}: the last run read nothing")
        if date in failed:
            return Day(date.day, "failed", f"{date}: the last run {failed[date]}")
        is_missing = any(first <= date <= last for first, last in load.gaps)
        return Day(date.day, "missing" if is_missing else "outside", f"{date}: no run" if is_missing else "")

    months = [divmod(index, 12) for index in [*dict.fromkeys(_missing_months(load))][:MAX_MONTHS]]
    return [Month(f"{year:04}-{index + 1:02}", [*sheet(year, index + 1)]) for year, index in reversed(months)]


def _missing_months(load: Load) -> Iterator[int]:
    for first, last in load.gaps:
        yield from range(last.year * 12 + last.month - 1, first.year * 12 + first.month - 2, -1)
