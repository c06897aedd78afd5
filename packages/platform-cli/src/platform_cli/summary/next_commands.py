"""What to type next, now that a run has ended."""

import re
import sys
from collections.abc import Mapping

from platform_cli._command_line import to_command
from platform_cli.arguments import to_words
from platform_cli.figures import explain_nothing
from platform_cli.history.record import RunStatus
from platform_cli.reporting import REPORTING
from platform_cli.run.ended_run import EndedRun
from platform_interfaces import FailureKind

_ADAPTER_KINDS = {
    FailureKind.DATABASE_ERROR,
    FailureKind.DATABASE_UNREACHABLE,
    FailureKind.FILE_SYSTEM_ERROR,
    FailureKind.MIGRATION_FAILED,
}
"""Failures whose cause is looked for in what the run worked on."""

_CODE_KINDS = {FailureKind.MODULE_ERROR, FailureKind.ADAPTER_ERROR, FailureKind.PLATFORM_ERROR}
"""Failures that a trace may explain."""

_SAME_AGAIN_KINDS = {
    FailureKind.INPUT_CHANGED,
    FailureKind.LOCKED,
    FailureKind.REJECTS_NOT_SAVED,
    FailureKind.SHUTDOWN_FAILED,
}
_PLAIN_TABLE = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")
_FLAG_KINDS = ("database", "filesystem", "logging", "secrets")


def find_next(ended: EndedRun) -> list[str]:
    """Return the commands to type next, the most important first, on what the run worked on.

    What has to be done before a command is a comment of the shell, in front of it.
    """
    status, kind = ended.result.status, ended.result.failure_kind
    commands = []
    if status is RunStatus.INTERRUPTED or kind in _SAME_AGAIN_KINDS:
        # Who did not want to wait for another run, waits for it the next time.
        waits = {"wait": True} if kind == FailureKind.LOCKED and "wait" in ended.arguments else {}
        commands.append(_run(ended, waits))
    elif kind in _ADAPTER_KINDS:
        commands.append(to_command("doctor", flags=ended.settings.as_flags(*_FLAG_KINDS)))
    elif kind in _CODE_KINDS and not REPORTING.shows_trace:
        commands.append(f"{_run(ended)} --debug")
    elif ended.is_dry_run and status is RunStatus.SUCCEEDED:
        commands.append(_run(ended, {"dry-run": False}))
    if status is not RunStatus.INTERRUPTED:
        commands += [*_see_rejects(ended), *_see_rows(ended)]
    return commands


def _see_rejects(ended: EndedRun) -> list[str]:
    are_kept = not ended.is_dry_run and ended.settings.implementations["filesystem"].value != "memory"
    if not (ended.result.rejects and are_kept) or ended.result.failure_kind == FailureKind.REJECTS_NOT_SAVED:
        return []
    flags = ended.settings.as_flags("filesystem")
    words = ["rejects", "show", ended.folder] if ended.folder else ["rejects", "list"]
    main = sys.modules.get(f"{ended.manifest.package}.main")  # imported by now, for it has run
    again = []
    if hasattr(main, "retry"):  # it changes nothing before a line or a rule is mended
        edit = f"edit {ended.rejects_file}, or mend the rule" if ended.rejects_file else "mend the rule"
        again = [f"# {edit}, then", _run(ended, entry="retry")]
    return [to_command(*words, flags=flags), *again]


def _see_rows(ended: EndedRun) -> list[str]:
    if not (
        _PLAIN_TABLE.fullmatch(ended.table)
        and ended.is_lasting
        and ended.result.status is RunStatus.SUCCEEDED
        and not explain_nothing(ended.figures)
    ):
        return []
    query = f"SELECT * FROM {ended.table} LIMIT 10"  # noqa: S608 - it is shown, not executed
    return [to_command("query", query, flags=ended.settings.as_flags("database"))]


def _run(ended: EndedRun, changes: Mapping[str, object] | None = None, entry: str = "") -> str:
    settings, manifest = ended.settings, ended.manifest
    words = to_words(manifest.arguments, {**ended.arguments, **(changes or {})}, settings.env.value)
    command = ["rejects", "retry"] if (entry or ended.entry) == "retry" else ["run"]
    migrate = settings.auto_migrate
    choice = "--auto-migrate" if settings.is_auto_migrate else "--no-auto-migrate"
    flags = settings.as_flags(*_FLAG_KINDS) + (f" {choice}" if migrate.origin.startswith("--") else "")
    return to_command(*command, manifest.name, *words, flags=flags)
