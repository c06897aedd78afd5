"""The history of a run while it goes on: its row is begun and ended, and what fails in that stops no run."""

import asyncio
import datetime as dt
import getpass
import os
import re
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from operator import itemgetter
from typing import Any

from platform_cli._masking import hide_in, hide_secrets
from platform_cli.failures import MISUSED, describe
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.history.runs_table import lock_name, save_run
from platform_cli.run.result import RunResult
from platform_cli.settings import Settings
from platform_interfaces import DatabaseInterface, PlatformError, Run, dump_json

WRITE_SECONDS = 4.0
"""How long a run waits for its history at most, each time that it writes to it."""

MAX_JSON_CHARACTERS = 65_536
"""Of arguments, figures or counts of rejects, the largest are not recorded beyond this."""

_MAX_ERROR_CHARACTERS = 10_000
_PAUSE_SECONDS = 1.0
_RETRY_SECONDS = 0.1
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # no text of PostgreSQL's has them


def make_record(run: Run, entry: str, settings: Settings, root: str | None = None) -> RunRecord:
    """Return the row of a run that has just started; ``root`` is where its files are, where that is known."""
    return RunRecord(
        id=run.id,
        module=run.module,
        version=run.version,
        entry=entry,
        arguments=_to_storable(run.arguments),
        environment=settings.env.value,
        adapters={kind: each.value for kind, each in settings.implementations.items()} | _name_root(root),
        host=find_host(),
        user=find_user(),
        process_id=os.getpid(),
        started_at=run.started_at,
        ended_at=None,
        status=RunStatus.RUNNING,
        exit_code=None,
        failure_kind="",
        error="",
        figures={},
        rejects={},
    )


class RunRecorder:
    """Writes the row of one run. No method raises: what fails is reported, and the run goes on.

    Until the run ends, its process holds the lock of the run, on a connection of its own, which the server
    releases when the process dies: so a reader knows which run has ended without a word.

    Args:
        record: the row.
        report: is called with the reason when the row cannot be written.
    """

    def __init__(self, record: RunRecord, report: Callable[[str], None]) -> None:
        self._record, self._report = record, report
        self._db: DatabaseInterface | None = None
        self._holder: asyncio.Task[None] | None = None
        self._beginning: asyncio.Task[None] | None = None
        self._is_locked = asyncio.Event()
        self._is_started = self._has_row = False
        self._why_not_yet = ""

    def set_root(self, root: str) -> None:
        """Add where the files of the run are to its row."""
        self._record = replace(self._record, adapters={**self._record.adapters, **_name_root(root)})

    def attach(self, db: DatabaseInterface) -> None:
        """Record the run in ``db``; its lock is taken while the run goes on."""
        self._db = db
        self._holder = asyncio.create_task(self._hold_lock(db))

    async def begin(self) -> None:
        """Write the row, as that of a run that goes on; ``attach`` was called, and migrations are applied."""
        self._is_started = True
        if self._db:
            await self._within_limit(self._write_first(self._db))

    def begin_elsewhere(self, open_database: Callable[[], Awaitable[DatabaseInterface]]) -> None:
        """Do both while the run goes on, in a database that is opened for it."""

        async def begin() -> None:
            db = await open_database()
            self.attach(db)
            await self._write_first(db)

        self._is_started = True
        self._beginning = asyncio.create_task(self._try(begin()))

    async def save_figures(self, run: Run) -> None:
        """Write the figures as they are now."""
        if self._db and self._has_row:
            self._record = replace(self._record, figures=_to_storable(run.figures))
            await self._within_limit(self._write(self._db))

    async def end(self, result: RunResult) -> None:
        """Write how the run ended, and release its lock; a run that was refused has no row."""
        if self._beginning:
            await self._within_limit(_join(self._beginning))
        if self._db and (self._has_row or result.exit_code != MISUSED):
            self._record = _complete(self._record, result)
            await self._within_limit(self._write(self._db))
        if self._holder:
            self._holder.cancel()
            await asyncio.wait({self._holder}, timeout=WRITE_SECONDS)

    async def _write_first(self, db: DatabaseInterface) -> None:
        await self._is_locked.wait()  # else a reader would take the run for one whose process died
        await self._write(db)
        self._has_row = True

    async def _write(self, db: DatabaseInterface) -> None:
        """Write the row; where that fails for a while only, as when the server restarts, write it again."""
        while True:
            try:
                return await save_run(db, self._record)
            except PlatformError as error:
                if not error.is_transient:
                    raise
                self._why_not_yet = f": {describe(error)}"
            await asyncio.sleep(_RETRY_SECONDS)

    async def _hold_lock(self, db: DatabaseInterface) -> None:
        """Hold the lock until the task is cancelled; take it again when it is lost."""
        while True:
            try:
                async with db.lock(lock_name(self._record.id), timeout=0):
                    self._is_locked.set()
                    await asyncio.Event().wait()
            except Exception:  # noqa: BLE001 - whatever an adapter raises, the run goes on
                self._is_locked.set()  # the row is written all the same
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _within_limit(self, work: Coroutine[Any, Any, None]) -> None:
        # A task, because a call that is cancelled may wait for a server that does not answer, too.
        task = asyncio.create_task(self._try(work))
        try:
            done, _ = await asyncio.wait({task}, timeout=WRITE_SECONDS)
        finally:
            task.cancel()
        if not done:
            self._note(f"the database did not answer within {WRITE_SECONDS:g} s{self._why_not_yet}")

    async def _try(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises, the run goes on
            self._note(describe(error))

    def _note(self, reason: str) -> None:
        if self._is_started:  # else the table may be missing because migrations were not applied yet
            self._report(reason)


def _name_root(root: str | None) -> dict[str, str]:
    return {} if root is None else {"root": str(_clean(root))}


def find_host() -> str:
    """Return the name of this machine."""
    return str(_clean(socket.gethostname()))


def find_user() -> str:
    """Return the user of the operating system; the number of one that has no name."""
    try:
        return str(_clean(getpass.getuser()))
    except (KeyError, OSError):
        return str(os.getuid())


def _complete(record: RunRecord, result: RunResult) -> RunRecord:
    return replace(
        record,
        ended_at=record.started_at + dt.timedelta(seconds=result.seconds),
        status=result.status,
        exit_code=result.exit_code,
        failure_kind=str(result.failure_kind or ""),
        error=_clean(result.error)[:_MAX_ERROR_CHARACTERS],
        figures=_to_storable(result.figures),
        rejects=_to_storable(result.rejects),
    )


def _to_storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what any database stores of ``values``, without secrets: not what is too large, or not JSON."""
    by_size: list[tuple[int, dict[str, Any]]] = []
    for name, value in dict(values).items():  # a thread of the module may go on
        with suppress(TypeError, ValueError):
            item = {hide_secrets(str(name)): hide_in(value, str(name))}
            by_size.append((len(dump_json(item)), item))
    stored: dict[str, Any] = {}
    left = MAX_JSON_CHARACTERS
    for size, item in sorted(by_size, key=itemgetter(0)):
        left -= size
        if left >= 0:
            stored |= _clean(item)
    return stored


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub(lambda found: repr(found[0])[1:-1], value)
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list | tuple) else value


async def _join(task: asyncio.Task[None]) -> None:
    await asyncio.shield(task)
