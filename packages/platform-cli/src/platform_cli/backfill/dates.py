"""The dates of a backfill."""

import datetime as dt
import re
from collections.abc import Iterable

MAX_DATES = 36_525
"""A hundred years: a range that is longer has a mistyped year."""

MAX_RANGES = 8
"""How many ranges of dates a line has room for."""


def parse_date(text: str) -> dt.date:
    """Return the date that ``text`` spells as YYYY-MM-DD.

    Raises:
        ValueError: when it is spelled in another way, or there is no such date.
    """
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"{text!r} is not a date: give YYYY-MM-DD, such as 2026-01-31")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date: {error}") from error


def list_dates(first: dt.date, last: dt.date) -> list[dt.date]:
    """Return the dates from ``first`` to ``last``, both included.

    Raises:
        ValueError: when ``last`` is before ``first``, or there are more than ``MAX_DATES``.
    """
    count = last.toordinal() - first.toordinal() + 1
    if count < 1:
        raise ValueError(f"--from {first} is after --to {last}: give the earlier date as --from")
    if count > MAX_DATES:
        raise ValueError(
            f"--from {first} --to {last} are {count:,} dates: at most {MAX_DATES:,} are done at a time; "
            "is a year mistyped?"
        )
    return [dt.date.fromordinal(first.toordinal() + index) for index in range(count)]


def format_dates(dates: Iterable[dt.date]) -> str:
    """Return dates in words, those that follow one another as a range."""
    ranges: list[tuple[dt.date, dt.date]] = []
    for date in sorted(dates):
        if ranges and (date - ranges[-1][1]).days == 1:
            ranges[-1] = (ranges[-1][0], date)
        else:
            ranges.append((date, date))
    shown = [str(first) if first == last else f"{first} to {last}" for first, last in ranges[:MAX_RANGES]]
    left = sum((last - first).days + 1 for first, last in ranges[MAX_RANGES:])
    return ", ".join([*shown, *([f"and {left:,} more"] if left else [])])
