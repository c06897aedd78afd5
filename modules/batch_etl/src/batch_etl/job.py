"""What one run is asked to do."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self
from uuid import uuid4

from platform_interfaces import ConfigurationError, check_prefix, quote_table

FIELD_POLICIES = ("warn", "reject", "ignore")  # what is done about fields that have no column


@dataclass(frozen=True)
class LineLimit:
    """A number of lines, a share of them in percent, or neither."""

    text: str = ""

    @classmethod
    def from_config(cls, value: Any) -> Self:
        """Return the limit that an argument gives; None and an empty text are none."""
        return cls("" if value is None else str(value))

    def __str__(self) -> str:
        """As it was given."""
        return self.text or "none"

    @property
    def is_valid(self) -> bool:
        """Whether it is empty, a whole number, or a number with ``%``."""
        return (
            not self.text or re.fullmatch(r"[0-9]{1,18}|[0-9]{1,3}([.][0-9]{1,9})?%", self.text) is not None
        )

    def _compare(self, count: int, lines: int) -> Decimal | int:
        """Return whether ``count`` of ``lines`` lines are more (> 0) or fewer (< 0) than the limit."""
        if self.text.endswith("%"):
            return count * 100 - Decimal(self.text[:-1]) * lines
        return count - int(self.text)


class RejectLimit(LineLimit):
    """How many lines may be rejected before a run counts as failed."""

    def is_exceeded(self, rejected: int, lines: int) -> bool:
        """Whether ``rejected`` of ``lines`` lines are more than allowed."""
        return bool(self.text) and self._compare(rejected, lines) > 0


class ValidMinimum(LineLimit):
    """How many lines must be valid; without one, a run of raw lines of which none is valid has failed."""

    @property
    def is_valid(self) -> bool:
        """Whether it is a limit that can be reached."""
        return super().is_valid and not (self.text.endswith("%") and Decimal(self.text[:-1]) > 100)

    @property
    def allows_none(self) -> bool:
        """Whether it was said that no line need be valid: ``0`` or ``0%``."""
        return bool(self.text) and not Decimal(self.text.rstrip("%"))

    def is_missed(self, valid: int, lines: int) -> bool:
        """Whether ``valid`` of ``lines`` lines are fewer than wanted."""
        return bool(self.text) and self._compare(valid, lines) < 0


@dataclass(frozen=True)
class Job:
    """The arguments of a run, checked; ``started_at`` (aware) marks the rows it writes."""

    date: str
    source_path: str
    target_table: str
    batch_size: int
    is_dry_run: bool
    max_rejected: RejectLimit
    is_waiting: bool
    min_valid: ValidMinimum = field(default_factory=ValidMinimum)
    allows_empty: bool = True
    unknown_fields: str = "warn"
    is_retry: bool = False  # of lines that were rejected before
    started_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    run_id: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], *, is_retry: bool = False) -> Self:
        """The job that ``config`` describes, under the argument names of ``module.json``.

        Raises:
            ConfigurationError: naming every argument whose value cannot be meant.
        """
        job = cls(
            date=config["date"],
            source_path=config["source-path"].removesuffix("/"),
            target_table=config.get("target-table", "cleaned_events"),
            batch_size=config.get("batch-size", 500),
            is_dry_run=config.get("dry-run", False),
            max_rejected=RejectLimit.from_config(config.get("max-rejected")),
            is_waiting=config.get("wait", True),
            min_valid=ValidMinimum.from_config(config.get("min-valid")),
            allows_empty=config.get("allow-empty", True),
            unknown_fields=config.get("unknown-fields") or "warn",
            is_retry=is_retry,
        )
        if problems := job._problems():
            raise ConfigurationError("; ".join(problems))
        return job

    @property
    def folder(self) -> str:
        """Where the raw files of the date are."""
        return f"{self.source_path}/{self.date}" if self.source_path else self.date

    @property
    def event_date(self) -> dt.date:
        """The date of its events."""
        return dt.date.fromisoformat(self.date)

    def _problems(self) -> list[str]:
        problems = []
        # fromisoformat alone takes 20260115 and 2026-W03-4, too, which name other folders.
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", self.date) or not _is_date(self.date):
            problems.append(f"--date must be a day as YYYY-MM-DD, not {self.date!r}")
        for name, check, value in (
            ("source-path", check_prefix, self.source_path),
            ("target-table", quote_table, self.target_table),
        ):
            try:
                check(value)
            except ValueError as error:
                problems.append(f"--{name}: {error}")
        if self.batch_size < 1:
            problems.append(f"--batch-size must be at least 1, not {self.batch_size}")
        if not self.max_rejected.is_valid:
            problems.append(f"--max-rejected must be like 100 or 0.5%, not {self.max_rejected.text!r}")
        if not self.min_valid.is_valid:
            problems.append(f"--min-valid must be like 100 or 99.5%, not {self.min_valid.text!r}")
        if self.unknown_fields not in FIELD_POLICIES:
            choices = ", ".join(FIELD_POLICIES)
            problems.append(f"--unknown-fields must be one of {choices}, not {self.unknown_fields!r}")
        return problems


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
