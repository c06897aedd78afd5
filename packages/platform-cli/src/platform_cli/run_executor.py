"""The executor of a run: fitted to the adapters beside it, and given what its workers need."""

from collections.abc import Collection, Mapping
from typing import Any

from platform_cli import registry
from platform_cli.settings import Settings
from platform_cli.worker_context import WorkerContext
from platform_interfaces import ExecutorInterface, LoggingInterface, PlatformContext


def fit_executor(
    chosen: ExecutorInterface, others: Mapping[str, Any], settings: Settings, log: LoggingInterface
) -> ExecutorInterface:
    """Return the chosen executor, or ``inline`` and a warning where only this process can use an adapter.

    Args:
        chosen: the one that the settings name.
        others: the other adapters, opened, by the kinds of their interfaces.
        settings: those of the run.
        log: that of the run.
    """
    names = {kind: settings.implementations[kind].value for kind in others}
    bound = [
        f"{registry.LABELS[kind]} {name!r}" for kind, name in names.items() if others[kind].is_in_process
    ]
    if chosen.is_in_process or not bound:
        return chosen
    reason = f"only this process can use {' and '.join(bound)}"
    log.warn("Workers are not used", executor=settings.implementations["executor"].value, reason=reason)
    inline: ExecutorInterface = registry.load("executor", "inline")(settings.values)
    return inline


def prepare_executor(
    context: PlatformContext, interfaces: Collection[str], settings: Settings, log: LoggingInterface
) -> None:
    """Give the executor of a context what it calls functions with."""
    recipe = WorkerContext.of(settings, interfaces, context.run)
    context.executor.prepare(context, recipe, log=log, workers=settings.worker_count)
