"""The context of a worker, which is built where the worker is."""

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager, chdir, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from platform_cli import registry
from platform_cli.flags import ADAPTER_FLAGS, ENV
from platform_cli.settings import Settings, resolve
from platform_interfaces import LoggingInterface, PlatformContext, Run


@dataclass(frozen=True)
class WorkerContext:
    """What an executor sends to its workers, to open a context like that of the run: names and settings.

    The environment and the env files are read on the worker. It makes no database and applies no migration.

    Attributes:
        project: the directory of the run; what is relative in settings starts there, where the worker has it.
        flags: the environment and the adapters, by ``Flag.key``.
        given: settings that options of the command give.
        interfaces: those that the module declares.
        run: that of the module; its figures and its progress stay on the worker.
    """

    project: str
    flags: Mapping[str, str]
    given: Mapping[str, str]
    interfaces: frozenset[str]
    run: Run

    @classmethod
    def of(cls, settings: Settings, interfaces: Collection[str], run: Run) -> Self:
        """Return what workers of a run need."""
        chosen = {flag.key: settings.implementations[kind].value for kind, flag in ADAPTER_FLAGS.items()}
        chosen |= {ENV.key: settings.env.value, ADAPTER_FLAGS["executor"].key: "inline"}
        return cls(
            project=str(settings.project),
            flags={key: name for key, name in chosen.items() if name},
            given=dict(settings.given),
            interfaces=frozenset(interfaces),
            run=Run(run.id, run.module, run.version, dict(run.arguments), run.started_at),
        )

    @asynccontextmanager
    async def __call__(
        self, worker: str, log: LoggingInterface | None = None
    ) -> AsyncGenerator[PlatformContext, None]:
        """See ``OpenWorkerContext``; ``log`` adds the id and the module of the run by itself."""
        from platform_cli._collector import tune_collector
        from platform_cli._library_log import library_log
        from platform_cli.container import Container

        tune_collector()
        fields = {"worker": worker, "run_id": self.run.id, "module": self.run.module}
        with self._in_project():
            settings = replace(resolve(self.flags), given=self.given, warnings=())
            container = Container(settings, {} if log else fields, log, is_worker=True)
        try:
            with self._in_project():
                context = await container.open_context(
                    self.interfaces, self.run.arguments, registry.WORKER_DEFAULTS, self.run, is_quiet=True
                )
            with library_log(lambda: container.log):
                yield context
        finally:
            for lifecycle in (container.lifecycle, container.database_lifecycle, container.log_lifecycle):
                await lifecycle.shutdown()

    def _in_project(self) -> "chdir[str] | nullcontext[None]":
        return chdir(self.project) if Path(self.project).is_dir() else nullcontext()
