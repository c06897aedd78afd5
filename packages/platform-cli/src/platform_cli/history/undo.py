"""Taking back what one run has inserted."""

import datetime as dt
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from platform_cli.container import Container
from platform_cli.failures import ModuleFailedError
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.history.recorder import find_host, find_user
from platform_cli.history.runs_table import find_run, mark_undone
from platform_cli.manifest import Manifest, read_manifest
from platform_cli.run.entry import find_entry
from platform_interfaces import DatabaseInterface, LockTimeoutError, PlatformError, Run, Undo


class UndoPlan(NamedTuple):
    """What an undo would do; so far, nothing is changed."""

    db: DatabaseInterface
    record: RunRecord
    undo: Undo


async def plan_undo(container: Container, prefix: str) -> UndoPlan:
    """Return what the undo of the run whose id begins with ``prefix`` would do.

    Raises:
        ConfigurationError: when the module is not installed, or an adapter cannot be built.
        PlatformError: when there is not exactly one such run, it is running or undone already, or its module
            offers no undo or cannot say which rows are its own.
    """
    db = await container.open_existing_database()
    record = await find_run(db, prefix)
    if record.status == RunStatus.RUNNING:
        raise PlatformError(f"run {record.id} is still running: stop it, or undo it when it has ended")
    if record.status == RunStatus.UNDONE:
        raise _undone_already(record)
    manifest = read_manifest(record.module)
    entry = find_entry(manifest, "undo")
    if entry is None:
        raise PlatformError(
            f"module {record.module!r} cannot undo a run: its main.py has no 'async def undo(ctx)'"
        )
    run = Run(
        id=record.id,
        module=record.module,
        version=record.version,
        arguments=_complete(record.arguments, manifest),
        started_at=record.started_at,
        figures=dict(record.figures),
        rejects=dict(record.rejects),
    )
    context = await container.open_context(manifest.interfaces, run.arguments, {}, run, is_quiet=True)
    undo = await entry.call(context)
    if not isinstance(undo, Undo):
        raise ModuleFailedError(
            f"'undo' of module {record.module!r} returned a {type(undo).__name__}: it must return an Undo"
        )
    return UndoPlan(db, record, undo)


async def carry_out(plan: UndoPlan) -> int:
    """Remove the rows and mark the run as undone, both or neither; return how many rows they were.

    Raises:
        LockTimeoutError: when another run is writing such rows.
        PlatformError: when the run was undone meanwhile, or the rows cannot be removed.
    """
    async with AsyncExitStack() as stack:
        if plan.undo.lock:
            try:
                await stack.enter_async_context(plan.db.lock(plan.undo.lock, timeout=0))
            except LockTimeoutError as error:
                raise LockTimeoutError(
                    f"another run is writing the same rows: undo this one when it has ended ({error})"
                ) from error
        async with plan.db.transaction():  # ends before the lock does: no load sees rows that are about to go
            rows = await plan.undo.remove()
            undone = {
                "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                "user": find_user(),
                "host": find_host(),
                "rows": rows,
            }
            if not await mark_undone(plan.db, plan.record, undone):
                raise _undone_already(await find_run(plan.db, plan.record.id))
    return rows


def _undone_already(record: RunRecord) -> PlatformError:
    done = record.undone
    return PlatformError(
        f"run {record.id} is undone already: {done.get('user', 'a user')} removed {done.get('rows', 'its')} "
        f"rows at {done.get('at', 'an unknown time')}"
    )


def _complete(arguments: Mapping[str, Any], manifest: Manifest) -> dict[str, Any]:
    """Return the arguments, and None for those that the module has had since."""
    return {argument.name: None for argument in manifest.arguments} | dict(arguments)
