"""The arguments of a load, checked."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from batch_etl.ingest.date_names import is_day
from platform_interfaces import ConfigurationError, check_prefix, quote_table


@dataclass(frozen=True)
class LineLimit:
    """A number of lines, a share of them in percent, or no limit."""

    text: str = ""

    @classmethod
    def from_config(cls, value: Any) -> Self:
        """Return the limit that an argument gives: none for None and for an empty text."""
        return cls("" if value is None else str(value))

    def __str__(self) -> str:
        """Return it as it was given."""
        return self.text or "none"

    @property
    def is_valid(self) -> bool:
        """Return whether it is empty, a whole number, or a number with ``%``."""
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
        """Return whether ``rejected`` of ``lines`` lines are more than allowed."""
        return bool(self.text) and self._compare(rejected, lines) > 0


class ValidMinimum(LineLimit):
    """How many lines must be valid; without one, a run of raw lines of which none is valid has failed."""

    @property
    def is_valid(self) -> bool:
        """Return whether it is a limit that can be reached."""
        return super().is_valid and not (self.text.endswith("%") and Decimal(self.text[:-1]) > 100)

    @property
    def allows_none(self) -> bool:
        """Return whether it says that no line need be valid: ``0`` or ``0%``."""
        return bool(self.text) and not Decimal(self.text.rstrip("%"))

    def is_missed(self, valid: int, lines: int) -> bool:
        """Return whether ``valid`` of ``lines`` lines are fewer than wanted."""
        return bool(self.text) and self._compare(valid, lines) < 0


@dataclass(frozen=True)
class LoadConfig:
    """The arguments of a load.

    Attributes:
        date: YYYY-MM-DD.
        source_path: the folder that has one for each date.
        target_table: as it was given, perhaps with a schema.
        batch_size: rows sent to the database at a time.
        is_dry_run: whether nothing is written.
        max_rejected: how many lines may be rejected.
        min_valid: how many lines must be valid.
        waits_for_lock: whether to wait while another run loads the same date into the same table.
        allows_empty: whether a run of a date without data succeeds.
        is_retry: whether lines are loaded that earlier runs have rejected.
        unstored_advice: what the user can do about fields without a column; empty when there is nothing.
    """

    date: str = ""
    source_path: str = ""
    target_table: str = ""
    batch_size: int = 500
    is_dry_run: bool = False
    max_rejected: RejectLimit = field(default_factory=RejectLimit)
    min_valid: ValidMinimum = field(default_factory=ValidMinimum)
    waits_for_lock: bool = True
    allows_empty: bool = True
    is_retry: bool = False
    unstored_advice: str = ""

    @classmethod
    def from_arguments(
        cls,
        arguments: Mapping[str, Any],
        *,
        default_table: str,
        is_retry: bool = False,
        problems: Sequence[str] = (),
        unstored_advice: str = "",
    ) -> Self:
        """Return the load that ``arguments`` describe, under the names of ``module.json``.

        What is not given has the default of this class, which is also that of a module that declares none.

        Raises:
            ConfigurationError: naming every argument with an invalid value, and ``problems``, which are those
                of the module's own arguments.
        """
        given = {
            attribute: arguments[name]
            for name, attribute in _ATTRIBUTES.items()
            if arguments.get(name) is not None
        }
        given["source_path"] = given.get("source_path", "").removesuffix("/")
        config = cls(
            **{"target_table": default_table} | given,
            max_rejected=RejectLimit.from_config(arguments.get("max-rejected")),
            min_valid=ValidMinimum.from_config(arguments.get("min-valid")),
            is_retry=is_retry,
            unstored_advice=unstored_advice,
        )
        if found := [*config._find_problems(), *problems]:
            raise ConfigurationError("; ".join(found))
        return config

    @property
    def folder(self) -> str:
        """Return the folder of the raw files of the date."""
        return f"{self.source_path}/{self.date}" if self.source_path else self.date

    @property
    def event_date(self) -> dt.date:
        """Return the date."""
        return dt.date.fromisoformat(self.date)

    def as_fields(self) -> dict[str, Any]:
        """Return what a load is logged by."""
        return {
            "date": self.date,
            "source_path": self.source_path,
            "target_table": self.target_table,
            "dry_run": self.is_dry_run,
        }

    def _find_problems(self) -> list[str]:
        problems = []
        if not _is_date(self.date):
            problems.append(f"--date must be a day as YYYY-MM-DD, not {self.date!r}{_guess_date(self.date)}")
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
        return problems


_ATTRIBUTES = {
    "date": "date",
    "source-path": "source_path",
    "target-table": "target_table",
    "batch-size": "batch_size",
    "dry-run": "is_dry_run",
    "wait": "waits_for_lock",
    "allow-empty": "allows_empty",
}
"""The attributes that arguments give as they are, by the names of the arguments."""


def _guess_date(text: str) -> str:
    """Return what is wrong with a date, or how it is spelled; empty where that cannot be known."""
    if is_day(text):
        return ": there is no such day"
    found = re.fullmatch(r"\D?([0-9]{4})[-/.]?([0-9]{1,2})[-/.]?([0-9]{1,2})(\D.*)?", text)
    year, month, day = found.groups()[:3] if found else ("", "", "")
    if dotted := re.fullmatch(r"([0-9]{1,2})[.]([0-9]{1,2})[.]([0-9]{4})", text):
        day, month, year = dotted.groups()
    guess = f"{year}-{month:0>2}-{day:0>2}"
    return f" (did you mean {guess!r}?)" if _is_date(guess) else ""


def _is_date(text: str) -> bool:
    # fromisoformat alone takes 20260115 and 2026-W03-4, too, which name other folders.
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
