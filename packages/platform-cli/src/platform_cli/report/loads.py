"""The runs of a report, grouped by what they load."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from platform_cli._masking import hide_in
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.report.figures import counts_of, date_of

# A word in the name of an argument that says how a run works, not what it loads.
_HOW = re.compile(r"(^|-)(allow|batch|max|min|parallel|retries|threads|timeout|wait|workers)(-|$)")

DayRun = tuple[dt.date, RunRecord]
Gap = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class Load:
    """The runs of one module that load the same, date by date: they can be compared.

    Attributes:
        module: the name of the module.
        environment: the name of the environment.
        filesystem: the adapter that the input is read from, and its root; empty where the module has none.
        arguments: what they have in common, as text, without secrets; never the date.
        runs: in the order of their start.
    """

    module: str
    environment: str
    filesystem: str
    arguments: Mapping[str, str]
    runs: Sequence[RunRecord]

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
    groups: dict[tuple[str, str, str, frozenset[tuple[str, str]]], list[RunRecord]] = {}
    for record in sorted(records, key=lambda record: record.started_at, reverse=True):
        filesystem = " ".join(filter(None, (record.adapters.get(name) for name in ("filesystem", "root"))))
        key = (record.module, record.environment, filesystem, frozenset(_what_is_loaded(record)))
        groups.setdefault(key, []).append(record)
    return [
        Load(module, environment, filesystem, dict(sorted(arguments)), runs[::-1])
        for (module, environment, filesystem, arguments), runs in groups.items()
    ]


def _what_is_loaded(record: RunRecord) -> Iterator[tuple[str, str]]:
    # An argument that a module got in a later version is a flag that was not given, at its default.
    for name, value in hide_in(dict(record.arguments)).items():
        if name != "date" and value is not None and value is not False and not _HOW.search(name):
            yield name, str(value)
