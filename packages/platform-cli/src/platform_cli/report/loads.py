"""The runs of a report, grouped by what they load."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from platform_cli._masking import hide_in
from platform_cli.history.load_key import LoadKey, make_load_key
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.history.words import find_arguments
from platform_cli.report.figures import counts_of, date_of

DayRun = tuple[dt.date, RunRecord]
Gap = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class Load:
    """The runs of one module that load the same, date by date: they can be compared.

    Attributes:
        key: what they load.
        runs: in the order of their start.
    """

    key: LoadKey
    runs: Sequence[RunRecord]

    @property
    def filesystem(self) -> str:
        """Return the adapter that the input is read from, and its root."""
        return " ".join(filter(None, (self.key.filesystem, self.key.root)))

    @cached_property
    def arguments(self) -> Mapping[str, str]:
        """Return the arguments that they have in common and that were given, as text, without secrets."""
        items = hide_in(dict(self.key.arguments)).items()
        return {name: str(value) for name, value in items if value is not None and value is not False}

    @cached_property
    def is_dated(self) -> bool:
        """Return whether the runs are for a date each."""
        return any(map(date_of, self.runs))

    @cached_property
    def has_loaded(self) -> bool:
        """Return whether a run found a record, or succeeded without a count of them."""
        return bool(self.succeeded) or any(counts_of(run).total for run in self.runs)

    @cached_property
    def ended(self) -> list[DayRun]:
        """Return the runs that ended, each with its day: only the last one of each date.

        Without dates they are all that ended, by the day of their start. A retry loads a part of a date, and
        is none of them.
        """
        return self._by_day(run for run in self.runs if run.status != RunStatus.RUNNING)

    @cached_property
    def succeeded(self) -> list[DayRun]:
        """Return the successful runs, as ``ended`` does: those whose rows are in the table.

        A run that read nothing is none of them, nor is one that skipped rows of an earlier one, which was
        undone afterwards.
        """
        succeeded = (run for run in self.runs if run.status == RunStatus.SUCCEEDED and not run.nothing_read)
        return self._by_day(run for run in succeeded if not self._relied_on_undone_rows(run))

    @cached_property
    def gaps(self) -> list[Gap]:
        """Return the first and the last of each row of dates without a successful run, the latest first."""
        if not self.is_dated or not self.ended:
            return []
        days = [day.toordinal() for day, _ in self.ended]
        loaded = sorted(day.toordinal() for day, _ in self.succeeded)
        borders = [min(days) - 1, *loaded, max(days) + 1]
        return [
            (dt.date.fromordinal(before + 1), dt.date.fromordinal(after - 1))
            for before, after in reversed([*pairwise(borders)])
            if after - before > 1
        ]

    @cached_property
    def missing_count(self) -> int:
        """Return how many dates between the first and the last one have no run that loaded them."""
        return sum((last - first).days + 1 for first, last in self.gaps)

    def _relied_on_undone_rows(self, run: RunRecord) -> bool:
        return counts_of(run).skipped > 0 and any(
            undone.started_at < run.started_at < undone.undone_at
            for undone in self._undone
            if date_of(undone) == date_of(run)
        )

    @cached_property
    def _undone(self) -> list[RunRecord]:
        return [run for run in self.runs if run.status == RunStatus.UNDONE]

    def _by_day(self, runs: Iterable[RunRecord]) -> list[DayRun]:
        if self.is_dated:
            return [*{day: run for run in runs if run.entry == "run" and (day := date_of(run))}.items()]
        return [(run.started_at.date(), run) for run in runs]


def group_loads(records: Sequence[RunRecord]) -> list[Load]:
    """Return the loads of all runs, those of the latest run first."""
    groups: dict[LoadKey, list[RunRecord]] = {}
    arguments = {module: find_arguments(module) for module in {record.module for record in records}}
    for record in sorted(records, key=lambda record: record.started_at, reverse=True):
        groups.setdefault(make_load_key(record, arguments[record.module]), []).append(record)
    return [Load(key, runs[::-1]) for key, runs in groups.items()]
