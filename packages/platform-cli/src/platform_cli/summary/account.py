"""The account of a run: where every record that was read has gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from platform_cli.figures import FIGURES, count
from platform_cli.run.ended_run import LOCATIONS, EndedRun

_NOTES = {"duplicates": "met before in this run", "skipped": "in the table before this run"}

_DERIVED = {"raw", "valid", "unique", "invalid_by_reason", *FIGURES.values(), *LOCATIONS}
"""Figures that say nothing beside the account."""

_OF_UNDO = {"created_after", "created_until"}
"""Figures that set a run's rows apart: for `platform runs undo`, and not to be read."""


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
        return Account((), {name: value for name, value in figures.items() if name not in LOCATIONS})
    lines = counts.pop("read")
    rate = f"{lines / ended.result.seconds:,.0f} lines/s" if ended.result.seconds else ""
    rows = [Row(" ", "read", lines, rate)]
    for label, number in counts.items():
        rows.append(Row("+" if rows[1:] else "=", label, number, _NOTES.get(label, "")))
    if unwritten := 2 * lines - sum(row.count for row in rows):  # in a dry run, or in one that was stopped
        rows.append(Row("+", "not written", unwritten))
    others = {name: value for name, value in figures.items() if name not in _DERIVED | _OF_UNDO}
    return Account(tuple(rows), others)
