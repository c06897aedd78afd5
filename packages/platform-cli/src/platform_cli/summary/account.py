"""The account of a run: where every record that was read has gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from platform_cli.figures import FIGURES, count
from platform_cli.run.ended_run import LOCATIONS, EndedRun

MIN_RATE_SECONDS = 0.5
"""Where a run has read for less, a rate says nothing."""

_NOTES = {"duplicates": "met before in this run", "skipped": "in the table before this run"}

_DERIVED = {"raw", "valid", "unique", "invalid_by_reason", *FIGURES.values(), *LOCATIONS}
"""Figures that say nothing beside the account."""

_NOT_SHOWN = {"created_after", "created_until", "nothing_read"}
"""Figures for `platform runs undo`, and what the head of the summary says."""


@dataclass(frozen=True)
class Row:
    """A line of the account."""

    sign: str
    label: str
    count: int
    note: str = ""

    @property
    def is_main(self) -> bool:
        """Return whether it is what most look for first."""
        return self.label in ("read", "inserted")


@dataclass(frozen=True)
class Account:
    """The figures of a run, as they are shown.

    Attributes:
        rows: the first is what was read, the others add up to it; empty without such figures.
        others: all other figures, by name.
    """

    rows: tuple[Row, ...]
    others: Mapping[str, Any]


def make_account(ended: EndedRun) -> Account:
    """Return the account of a run."""
    figures = ended.figures
    counts = {name: number for name in FIGURES if (number := count(figures, name)) is not None}
    if counts.keys() != FIGURES.keys():
        return Account(
            (), {name: value for name, value in figures.items() if name not in (*LOCATIONS, "nothing_read")}
        )
    lines = counts.pop("read")
    seconds = ended.result.run.progress.seconds or ended.result.seconds
    rate = f"{lines / seconds:,.0f} lines/s" if seconds >= MIN_RATE_SECONDS else ""
    rows = [Row(" ", "read", lines, rate)]
    for label, number in counts.items():
        rows.append(Row("+" if rows[1:] else "=", label, number, _NOTES.get(label, "")))
    if unwritten := 2 * lines - sum(row.count for row in rows):  # in a dry run, or in one that was stopped
        rows.append(Row("+", "not written", unwritten))
    others = {name: value for name, value in figures.items() if name not in _DERIVED | _NOT_SHOWN}
    return Account(tuple(rows), others)
