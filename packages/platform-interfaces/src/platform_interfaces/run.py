"""One execution of a module."""

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
    """

    id: str = field(default_factory=lambda: os.urandom(16).hex())
    module: str = ""
    version: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    started_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    figures: dict[str, Any] = field(default_factory=dict)
