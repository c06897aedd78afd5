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
        """The log as JSON events; the run must have been asked for ``--log json``."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def sums(self) -> dict[str, Any]:
        """The fields of the last event, which must be the summary."""
        last = self.events()[-1]
        assert last["event"] == "Batch ETL complete", self.log
        return last


# Arguments are those of the command line; keyword arguments are environment variables.
Platform = Callable[..., Outcome]
