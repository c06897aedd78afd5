"""A run as the history has it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from platform_cli.figures import explain_nothing


class RunStatus(StrEnum):
    """What has become of a run."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """A signal stopped it, or its process died."""
    UNDONE = "undone"
    """What it had inserted was removed again."""


@dataclass(frozen=True)
class RunRecord:
    """A row of the table ``_runs``.

    Attributes:
        id: 32 hexadecimal digits.
        module: the name of the module.
        version: that of the module.
        entry: the function of the module that was called, ``run`` or ``retry``.
        arguments: by the names of ``module.json``, without secrets.
        environment: the one that the settings came from.
        adapters: the names of the chosen adapters, by kind of interface; ``root``, where the files are.
        host: the machine.
        user: the user of the operating system.
        process_id: on that machine.
        started_at: aware, UTC.
        ended_at: aware, UTC; None while the run goes on, and where its process died.
        status: what has become of the run.
        exit_code: None where ``ended_at`` is.
        failure_kind: a value of ``FailureKind``; empty where the run did not fail.
        error: why it failed, without secrets; empty where it did not.
        figures: what the module reported.
        rejects: how many records were rejected, by reject code.
        undone: ``at`` (ISO 8601, UTC), ``user``, ``host`` and ``rows`` of an undo; empty without one.
    """

    id: str
    module: str
    version: str
    entry: str
    arguments: Mapping[str, Any]
    environment: str
    adapters: Mapping[str, str]
    host: str
    user: str
    process_id: int
    started_at: dt.datetime
    ended_at: dt.datetime | None
    status: RunStatus
    exit_code: int | None
    failure_kind: str
    error: str
    figures: Mapping[str, Any]
    rejects: Mapping[str, int]
    undone: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """Return how long the run took; None where its end is not known."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()

    @property
    def nothing_read(self) -> str:
        """Return why the run, which succeeded, read nothing; empty where it read something, or failed."""
        return explain_nothing(self.figures) if self.status == RunStatus.SUCCEEDED else ""

    @property
    def short_id(self) -> str:
        """Return the digits of the id that are shown where there is no room for all."""
        return shorten_id(self.id)

    @property
    def undone_at(self) -> dt.datetime:
        """Return when the run was undone; its start where ``undone`` does not say that."""
        try:
            return dt.datetime.fromisoformat(self.undone["at"]).astimezone(dt.UTC)
        except (KeyError, TypeError, ValueError):
            return self.started_at


def shorten_id(run_id: str) -> str:
    """Return the first digits of the id of a run; the commands take as many as no other id begins with."""
    return run_id[:8]
