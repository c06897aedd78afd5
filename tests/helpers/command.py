"""The command ``platform``, run as a user runs it: a process, its exit code and its output."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What a run of the command has left: its exit code and its output."""

    code: int
    out: str
    log: str

    def events(self) -> list[dict[str, Any]]:
        """Return the log as JSON events; the run must have been asked for ``--log json``."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def totals(self, title: str = "Batch ETL") -> dict[str, Any]:
        """Return the fields of the summary, which must be the last event of the module."""
        *_, summary, end = self.events()
        assert summary["event"] == f"{title} complete", self.log
        assert end["event"] == ("Run failed" if self.code else "Run complete"), self.log
        return summary


# Arguments are those of the command line; keyword arguments are environment variables.
Platform = Callable[..., Outcome]
