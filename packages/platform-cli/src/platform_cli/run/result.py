"""How a run of a module ended, and what it reports of itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from platform_cli._masking import hide_secrets
from platform_cli._render import show
from platform_cli.history.record import RunStatus
from platform_interfaces import FailureKind, LoggingInterface, Run


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        run: which run it was.
        exit_code: 0 where it succeeded.
        seconds: from its start until all that it opened, but the logger, was closed.
        error: why it failed; empty where it succeeded, or was interrupted.
        failure_kind: what kind of failure ended it; None where it succeeded.
        figures: those of the run, as JSON has them.
        rejects: how many records were rejected, by reject code.
        unreported: the names of the figures that cannot be written as JSON.
    """

    run: Run
    exit_code: int
    seconds: float
    error: str
    failure_kind: FailureKind | None
    figures: Mapping[str, Any]
    rejects: Mapping[str, int]
    unreported: tuple[str, ...] = ()

    @property
    def status(self) -> RunStatus:
        """Return what has become of the run."""
        if self.failure_kind == FailureKind.INTERRUPTED:
            return RunStatus.INTERRUPTED
        return RunStatus.FAILED if self.exit_code else RunStatus.SUCCEEDED

    @classmethod
    def of(
        cls,
        run: Run,
        exit_code: int,
        seconds: float,
        error: str = "",
        failure_kind: FailureKind | None = None,
    ) -> Self:
        """Return the result of ``run``, with its figures as they are now."""
        figures: dict[str, Any] = {}
        unreported = []
        for name, value in dict(run.figures).items():  # a thread of the module may go on
            try:
                figures |= json.loads(json.dumps({name: value}, allow_nan=False))
            except Exception:  # noqa: BLE001 - not JSON; whatever it raises, the run has its last line
                unreported.append(show(name))
        counts = dict(run.rejects).items()
        rejects = {hide_secrets(str(code)): count for code, count in counts if isinstance(count, int)}
        return cls(run, exit_code, seconds, error, failure_kind, figures, rejects, tuple(unreported))


def log_result(log: LoggingInterface, result: RunResult, *, is_short: bool = False) -> None:
    """Log how a run ended, as the last line of its log; ``log`` has its id and module bound.

    Args:
        log: where to.
        result: how the run ended.
        is_short: whether the error of a failed run and its figures are left to the summary.
    """
    if result.unreported:
        log.warn("Figures that are not JSON values are not reported", names=", ".join(result.unreported))
    fields: dict[str, Any] = {
        "version": result.run.version,
        "exit_code": result.exit_code,
        "seconds": round(result.seconds, 3),
        "figures": dict(result.figures),
    }
    if result.failure_kind:
        fields["failure_kind"] = str(result.failure_kind)
    if result.exit_code == 0:
        log.info("Run complete", **fields)
    else:
        details = {"figures": fields.pop("figures"), **({"error": result.error} if result.error else {})}
        log.error("Run failed", **fields, **({} if is_short else details))
