"""What has become of the dates of a backfill."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from platform_cli.backfill.outcome import DateOutcome, DateStatus
from platform_cli.backfill.plan import PlannedDate, Selection


@dataclass(frozen=True)
class BackfillResult:
    """What has become of the dates of a backfill.

    Attributes:
        module: its name.
        plan: all dates of the range, in the order in which they are run.
        outcomes: of those that were run.
        selection: which dates were to be run.
        stopped: why not all dates that are due were run; empty where they were.
        is_interrupted: whether a signal is why.
        is_dry_run: whether nothing was to be run.
        seconds: how long it took.
    """

    module: str
    plan: Sequence[PlannedDate]
    outcomes: Mapping[dt.date, DateOutcome]
    selection: Selection = Selection.NOT_DONE
    stopped: str = ""
    is_interrupted: bool = False
    is_dry_run: bool = False
    seconds: float = 0.0

    @property
    def counts(self) -> Counter[DateStatus]:
        """Return how many dates have which status."""
        return Counter(self.outcome(planned).status for planned in self.plan)

    @property
    def is_failed(self) -> bool:
        """Return whether a date that was due did not succeed."""
        return not self.is_dry_run and bool(set(self.counts) - {DateStatus.SUCCEEDED, DateStatus.NOT_DUE})

    @property
    def status(self) -> DateStatus:
        """Return what has become of the backfill: it succeeded, failed or was interrupted."""
        if self.is_interrupted:
            return DateStatus.INTERRUPTED
        return DateStatus.FAILED if self.is_failed else DateStatus.SUCCEEDED

    def outcome(self, planned: PlannedDate) -> DateOutcome:
        """Return what has become of a date, run or not."""
        status = DateStatus.NOT_RUN if planned.is_due else DateStatus.NOT_DUE
        return self.outcomes.get(planned.date) or DateOutcome(planned.date, status)

    def total(self, name: str) -> int:
        """Return the sum of one of ``COUNTS``."""
        return sum(outcome.count(name) or 0 for outcome in self.outcomes.values())
