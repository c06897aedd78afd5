"""The result of a run as one JSON object; ``docs/run-json.md`` describes it."""

from typing import Any

from platform_cli._masking import hide_secrets
from platform_cli._render import to_json
from platform_cli.failures import MISUSED, describe
from platform_cli.history.record import RunStatus
from platform_cli.run.ended_run import EndedRun
from platform_cli.summary.next_commands import find_next
from platform_interfaces import FailureKind

VERSION = 1
"""That of the shape: names are added without a change of it, none is removed or changed."""


def to_run_json(ended: EndedRun) -> str:
    """Return the result of a run as a line of JSON."""
    result, run, settings = ended.result, ended.result.run, ended.settings
    return to_json(
        {
            "version": VERSION,
            "run_id": run.id,
            "module": run.module,
            "module_version": run.version,
            "entry": ended.entry,
            "status": result.status.value,
            "exit_code": result.exit_code,
            "failure_kind": result.failure_kind or None,
            "error": hide_secrets(result.error) or None,
            "started_at": run.started_at.isoformat(),
            "seconds": round(result.seconds, 3),
            "environment": settings.env.value,
            "database": ended.locations.get("database"),
            "root": ended.locations.get("root"),
            "arguments": ended.arguments,
            "dry_run": ended.is_dry_run,
            "figures": ended.figures,
            "rejects": dict(result.rejects),
            "next": find_next(ended),
        }
    )


def to_refusal_json(module: str, entry: str, error: BaseException) -> str:
    """Return the result of a command line or a configuration that was refused before there was a run."""
    names: dict[str, Any] = dict.fromkeys(
        ("run_id", "module", "module_version", "entry", "status", "exit_code", "failure_kind", "error"), None
    )
    names |= dict.fromkeys(("started_at", "seconds", "environment", "database", "root"), None)
    return to_json(
        {
            "version": VERSION,
            **names,
            "module": module,
            "entry": entry,
            "status": RunStatus.FAILED.value,
            "exit_code": MISUSED,
            "failure_kind": FailureKind.CONFIGURATION.value,
            "error": describe(error),
            "arguments": {},
            "dry_run": False,
            "figures": {},
            "rejects": {},
            "next": [],
        }
    )
