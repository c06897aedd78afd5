"""Dates, as few enough buckets for a chart: days, weeks, months or years."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

MAX_BUCKETS = 100
"""How many columns a chart has at most; on a phone each is 3 pixels wide then."""


@dataclass(frozen=True)
class Buckets:
    """The buckets of a chart, one after another without a gap, the last ones where there are too many.

    Attributes:
        unit: what each of them is: day, week, month or year.
        keys: the numbers of the buckets, in order.
        earlier: how many earlier ones there are, which are not shown.
    """

    unit: str
    keys: Sequence[int]
    earlier: int

    def key(self, date: dt.date) -> int:
        """Return the number of the bucket that a date is in."""
        return _KEYS[self.unit](date)

    def label(self, key: int) -> str:
        """Return the name of a bucket; that of a week is its Monday."""
        if self.unit == "year":
            return f"{key:04}"
        if self.unit == "month":
            return f"{key // 12:04}-{key % 12 + 1:02}"
        return dt.date.fromordinal(key if self.unit == "day" else key * 7 + 1).isoformat()


def find_buckets(dates: Iterable[dt.date]) -> Buckets:
    """Return the smallest buckets of which few enough reach from the first of the dates to the last."""
    known = list(dates)
    first, last = min(known), max(known)
    fitting = (unit for unit, key in _KEYS.items() if key(last) - key(first) < MAX_BUCKETS)
    unit = next(fitting, "year")
    key = _KEYS[unit]
    start = max(key(first), key(last) - MAX_BUCKETS + 1)
    return Buckets(unit, range(start, key(last) + 1), start - key(first))


_KEYS: dict[str, Callable[[dt.date], int]] = {
    "day": dt.date.toordinal,
    "week": lambda date: (date.toordinal() - 1) // 7,  # 0001-01-01 was a Monday
    "month": lambda date: date.year * 12 + date.month - 1,
    "year": lambda date: date.year,
}
