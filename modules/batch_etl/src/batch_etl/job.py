"""What one run is asked to do."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from platform_interfaces import ConfigurationError, check_prefix, quote_table


@dataclass(frozen=True)
class Job:
    """The arguments of a run, checked, and the moment it began (aware), which marks the rows it writes."""

    date: str
    source_path: str
    target_table: str
    batch_size: int
    is_dry_run: bool
    started_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
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
        )
        if problems := job._problems():
            raise ConfigurationError("; ".join(problems))
        return job

    @property
    def folder(self) -> str:
        """Where the raw files of the date are."""
        return f"{self.source_path}/{self.date}"

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
        return problems


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
