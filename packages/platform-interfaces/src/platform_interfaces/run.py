"""One execution of a module."""

import datetime as dt
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from platform_interfaces.failure_kinds import FailureKind


@dataclass
class Progress:
    """How far a run has come; its module sets what it knows, and whoever shows it reads it at any time.

    Attributes:
        total_bytes: the size of all input; None where the module does not know it.
        read_bytes: how much of that has been read.
        records: how many records have been read.
        rejected: how many of them were rejected.
        unit: what a record is called, in the plural.
        seconds: for how long records have been read and loaded, since the first; 0 where that is not known.
        current: what is being read, such as the path of a file; empty where nothing is.
    """

    total_bytes: int | None = None
    read_bytes: int = 0
    records: int = 0
    rejected: int = 0
    unit: str = "records"
    current: str = ""
    seconds: float = field(default=0.0, compare=False)


async def _save_nothing() -> None:
    """Save nothing: no runner has made the run."""


@dataclass(frozen=True)
class Run:
    """One execution of a module: its arguments, when it started, and what it reports.

    Attributes:
        id: 32 hexadecimal digits, different for each run.
        module: the name of the module; empty where no runner has made the run, as in a test.
        version: that of the module.
        arguments: by the names that ``module.json`` gives them.
        started_at: aware, UTC.
        figures: what the module reports, by name; it may fill them until its ``run`` returns.
        rejects: how many records were rejected, by reject code; to fill it is optional.
        progress: how far the module has come; to fill it is optional.
        failures: why the module is going to return 1, the most important first; to fill it is optional.
        save_figures: writes the figures to the history as they are now, for what must be known even if the
            process dies; without it they are written when the run ends. It raises nothing.
    """

    id: str = field(default_factory=lambda: os.urandom(16).hex())
    module: str = ""
    version: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    started_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    figures: dict[str, Any] = field(default_factory=dict)
    rejects: dict[str, int] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    failures: list[FailureKind] = field(default_factory=list)
    save_figures: Callable[[], Awaitable[None]] = _save_nothing
