"""What a worker of a cluster does: it answers calls, with a context for each run, on a loop of their own.

The loop of the Dask worker is for its scheduler, which takes a worker for dead that does not answer.
"""

import asyncio
import hashlib
import pickle
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from typing import Any

from distributed import Worker as DaskWorker
from distributed import get_worker

from platform_interfaces import LogEvent
from platform_interfaces.execution import Worker, WorkerLogger

TOPIC = "platform"
"""The topic of what workers log, among the events of the scheduler; each event names its run."""

IDLE_SECONDS = 60.0
"""A context without a call for so long is closed: its run may have been killed."""

_POLL_SECONDS = 0.2


@dataclass
class _Kept:
    """A worker with its context, which calls of one run use, and its end when there are no more."""

    worker: Worker
    calls: int = 0
    end: asyncio.TimerHandle | None = None


_KEPT: dict[str, _Kept] = {}  # by the name of the run; used on the loop of the calls only


def name_run(recipe: bytes) -> str:
    """Return a name for what a pickled recipe makes contexts for."""
    return hashlib.sha256(recipe).hexdigest()


def answer_call(recipe: bytes, call: bytes) -> bytes:
    """Return the answer to a call; empty where the call was given up meanwhile."""
    dask_worker = get_worker()
    answering = _answer(dask_worker, str(dask_worker.get_current_task()), recipe, call)
    answer: bytes = _submit(answering).result()
    return answer


async def close_context(run: str) -> None:
    """Close what this worker keeps for a run, unless a call uses it."""
    await asyncio.wrap_future(_submit(_close(run)))


def _submit(work: Coroutine[Any, Any, Any]) -> Future[Any]:
    return asyncio.run_coroutine_threadsafe(work, _start_loop())


@cache
def _start_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="platform-calls", daemon=True).start()
    return loop


async def _answer(dask_worker: DaskWorker, key: str, recipe: bytes, call: bytes) -> bytes:
    run = name_run(recipe)
    kept = _KEPT[run] = _KEPT.get(run) or _Kept(_make_worker(dask_worker, run, recipe))
    if kept.end:
        kept.end.cancel()
    kept.calls += 1
    answering = asyncio.ensure_future(kept.worker.answer(call))
    try:
        while not answering.done():
            await asyncio.wait({answering}, timeout=_POLL_SECONDS)
            if not _is_wanted(dask_worker, key):
                answering.cancel()
        return b"" if answering.cancelled() else answering.result()
    finally:
        kept.calls -= 1
        loop = asyncio.get_running_loop()
        kept.end = loop.call_later(IDLE_SECONDS, lambda: loop.create_task(_close(run)))


def _is_wanted(dask_worker: DaskWorker, key: str) -> bool:
    """Return whether the scheduler still wants the task: not where the run has given it up, or has ended."""
    task = dask_worker.state.tasks.get(key)
    return task is not None and task.state in ("executing", "long-running")


def _make_worker(dask_worker: DaskWorker, run: str, recipe: bytes) -> Worker:
    name = str(dask_worker.name)

    def send(event: LogEvent) -> None:
        dask_worker.log_event(TOPIC, {"run": run, "worker": name, "event": pickle.dumps(event)})

    return Worker(pickle.loads(recipe), name, WorkerLogger(send))


async def _close(run: str) -> None:
    kept = _KEPT.get(run)
    if kept and not kept.calls:
        del _KEPT[run]
        if kept.end:
            kept.end.cancel()
        await kept.worker.aclose()
