"""The figures of a run that the platform knows: what became of the records that it has read."""

from collections.abc import Mapping
from typing import Any

FIGURES = {
    "read": "lines",
    "blank": "blank",
    "rejected": "invalid",
    "duplicates": "duplicates",
    "skipped": "skipped",
    "inserted": "inserted",
}
"""The figures by the names that people read; the others add up to the first. A module may report more."""


def count(figures: Mapping[str, Any], name: str) -> int | None:
    """Return one of ``FIGURES``; None where the run has not reported it as a number."""
    value = figures.get(FIGURES[name])
    return value if isinstance(value, int) and not isinstance(value, bool) else None
