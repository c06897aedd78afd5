"""What has become of a date of a backfill."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from platform_cli.figures import count, explain_nothing

COUNTS = ("read", "inserted", "skipped", "duplicates", "rejected")
"""Which of the figures are shown, and added up."""


class DateStatus(StrEnum):
    """What has become of a date."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NOT_RUN = "not_run"
    """It was due, and the backfill ended before."""
    NOT_DUE = "not_due"
    """The history, or an option, says that it is not to be run."""


ENDINGS = ("succeeded", "nothing read", "failed", "interrupted", "not run")
"""The ``words`` of dates that were due, in the order in which they are counted."""


@dataclass(frozen=True)
class DateOutcome:
    """What has become of a date.

    Attributes:
        date: the date.
        status: what has become of it.
        run_id: empty where no run has started.
        seconds: how long its process took.
        figures: those of the run, by name.
        failure_kind: a value of ``FailureKind``; empty where it did not fail.
        error: why it failed, or was not run, in words without secrets.
    """

    date: dt.date
    status: DateStatus
    run_id: str = ""
    seconds: float = 0.0
    figures: Mapping[str, Any] = field(default_factory=dict)
    failure_kind: str = ""
    error: str = ""

    @property
    def words(self) -> str:
        """Return the status for people; that of a run that read nothing says so."""
        if self.status is DateStatus.SUCCEEDED and explain_nothing(self.figures):
            return "nothing read"
        return self.status.replace("_", " ")

    @property
    def problem(self) -> str:
        """Return why it failed, was not run or read nothing; empty where it loaded something."""
        is_success = self.status is DateStatus.SUCCEEDED
        return self.error or (explain_nothing(self.figures) if is_success else "")

    def count(self, name: str) -> int | None:
        """Return one of ``COUNTS``; None where the run has not reported it as a number."""
        return count(self.figures, name)
