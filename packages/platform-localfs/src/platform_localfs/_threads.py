"""Blocking calls off the event loop, never left running behind the caller's back."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_to_end(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``function`` returns from a thread; a cancellation is raised once the thread has ended.

    ``asyncio.to_thread`` raises it at once: a write would go on after its caller was told that it is over,
    and a file would be closed while it is being read.
    """
    # A future and no task: whoever cancels all tasks, as asyncio.run does at the end, must not reach it.
    work = asyncio.get_running_loop().run_in_executor(None, lambda: function(*args, **kwargs))
    cancellation: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is not None:
        work.exception()  # counts as seen, or the loop would report an error that nobody waits for
        raise cancellation
    return work.result()
