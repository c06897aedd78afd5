"""A module run in the process of its tests, on adapters that the test chooses."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, cast

from platform_interfaces import (
    DatabaseInterface,
    ExecutorInterface,
    FileSystemInterface,
    LogEvent,
    LoggingInterface,
    PlatformContext,
    Run,
    SecretsInterface,
)


class RecordingLogger(Protocol):
    """A ``LoggingInterface`` that remembers its events, as ``platform_memory.MemoryLogger`` does."""

    @property
    def events(self) -> Sequence[LogEvent]:
        """Return all events, in order."""


EntryPoint = Callable[[PlatformContext], Awaitable[int]]


@dataclass(frozen=True)
class JobResult:
    """The outcome of one run: its exit code, its ``Run``, and the events that it logged."""

    code: int
    run: Run
    events: Sequence[LogEvent]

    @property
    def figures(self) -> Mapping[str, Any]:
        """Return what the module reported in ``ctx.run.figures``."""
        return self.run.figures

    def fields(self, message: str) -> Mapping[str, Any]:
        """Return the fields of the one event whose message begins with ``message``."""
        found = [event.fields for event in self.events if event.message.startswith(message)]
        assert len(found) == 1, f"{len(found)} events begin with {message!r}: {self.messages()}"
        return found[0]

    def messages(self, level: str | None = None) -> list[str]:
        """Return the messages of one level, or of all."""
        return [event.message for event in self.events if level in (None, event.level)]


class JobHarness:
    """A module on one database and one file system; each run has a context, a log and a ``Run`` of its own.

    The arguments of a run are keywords, with underscores for dashes. What the module raises, a run raises::

        job = JobHarness(run, log=MemoryLogger, fs=MemoryFileSystem(), arguments={"date": "2026-01-15"})
        await job.fs.write("raw/2026-01-15/a.jsonl", b"{}")
        result = await job.run(dry_run=True)
        assert (result.code, result.figures["rejected"]) == (0, 1)
    """

    def __init__(
        self,
        run: EntryPoint,
        *,
        log: Callable[[], RecordingLogger],
        retry: EntryPoint | None = None,
        db: DatabaseInterface | None = None,
        fs: FileSystemInterface | None = None,
        secrets: SecretsInterface | None = None,
        executor: ExecutorInterface | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Take the adapters as they are: the test connects the database.

        Args:
            run: the module's ``run``.
            log: makes the logger of each run; a test that reads the log of a failed run keeps that logger.
            retry: the module's ``retry``, if it has one.
            db: the database, if the module declares one.
            fs: the file system, if the module declares one.
            secrets: the secret store, if the module declares one.
            executor: one that works in this process, if the module declares one; a run connects it.
            arguments: those of every run, by the names of ``module.json``.
        """
        self._run, self._retry, self._make_log = run, retry, log
        self._adapters: dict[str, Any] = {"db": db, "fs": fs, "secrets": secrets}
        self._executor = executor
        self._arguments = dict(arguments or {})

    @property
    def db(self) -> DatabaseInterface:
        """Return the database, to prepare it and to read what a run has written."""
        return self.context().db

    @property
    def fs(self) -> FileSystemInterface:
        """Return the file system, to write the input and to read what a run has written."""
        return self.context().fs

    async def run(self, **arguments: Any) -> JobResult:
        """Run the module."""
        return await self._call(self._run, arguments)

    async def retry(self, **arguments: Any) -> JobResult:
        """Run the module's ``retry``."""
        assert self._retry is not None, "this harness was made without retry"
        return await self._call(self._retry, arguments)

    def context(self, **arguments: Any) -> PlatformContext:
        """Return a new context, as a run with these arguments has; for ``check_run`` and the like."""
        return self._context(self._make_log(), arguments)

    async def _call(self, entry: EntryPoint, arguments: Mapping[str, Any]) -> JobResult:
        log = self._make_log()
        ctx = self._context(log, arguments)
        async with self._executor or nullcontext():
            return JobResult(await entry(ctx), ctx.run, log.events)

    def _context(self, log: RecordingLogger, arguments: Mapping[str, Any]) -> PlatformContext:
        changes = {name.replace("_", "-"): value for name, value in arguments.items()}
        logger = cast("LoggingInterface", log)  # no type says that it is both
        ctx = PlatformContext(
            log=logger, config=self._arguments | changes, executor=self._executor, **self._adapters
        )
        if self._executor:
            self._executor.prepare(ctx, _open_no_context, log=logger, workers=1)
        return ctx


def _open_no_context(worker: str, log: LoggingInterface | None = None) -> NoReturn:
    raise AssertionError(f"a harness has no context for {worker}: give it an executor in this process")
