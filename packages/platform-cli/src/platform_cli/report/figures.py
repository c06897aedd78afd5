"""What the records of runs say, whatever modules have put into them."""

import datetime as dt
from collections import Counter
from typing import Any, NamedTuple

from platform_cli.backfill.dates import parse_date
from platform_cli.figures import FIGURES
from platform_cli.history.record import RunRecord

_MAX_COUNT = 10**15  # exact as a float, and wider than any chart


class Counts(NamedTuple):
    """What became of the records that a run has read."""

    inserted: int
    skipped: int
    duplicates: int
    rejected: int

    @property
    def total(self) -> int:
        """Return how many records there were."""
        return sum(self)


def counts_of(record: RunRecord) -> Counts:
    """Return the counts of a run; what its module does not report is 0."""
    reported = Counts(*(_count(record.figures.get(FIGURES[name])) for name in Counts._fields))
    return reported._replace(rejected=rejects_of(record).total() or reported.rejected)


def rejects_of(record: RunRecord) -> Counter[str]:
    """Return how many records a run has rejected, by reject code."""
    return Counter({code: count for code, value in record.rejects.items() if (count := _count(value))})


def rate_of(record: RunRecord) -> float | None:
    """Return how many records a run handled in a second; None where it is not known."""
    total = counts_of(record).total
    return total / record.seconds if total and record.seconds and record.seconds > 0 else None


def date_of(record: RunRecord) -> dt.date | None:
    """Return the date that a run is for; None where it has none, or an invalid one."""
    text = record.arguments.get("date")
    try:
        return parse_date(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # NaN
        return 0
    return int(max(0, min(value, _MAX_COUNT)))
