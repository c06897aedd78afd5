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


def explain_nothing(figures: Mapping[str, Any]) -> str:
    """Return why a run with these figures read nothing; empty where it read something, or does not say.

    A module says it by the figure ``nothing_read``, or by ``lines`` that are 0.
    """
    lines = figures.get("lines")
    return str(
        figures.get("nothing_read") or ("no line was read" if type(lines) is int and not lines else "")
    )
