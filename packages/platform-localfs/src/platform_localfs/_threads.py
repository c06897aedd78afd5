"""Blocking calls in threads, which have ended when the caller goes on."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_to_end(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``function`` in a thread and return its result; raise a cancellation once the thread has ended.

    ``asyncio.to_thread`` raises it at once: a write would go on after its call has ended, and a file would be
    closed while it is being read.
    """
    # A future, not a task: asyncio.run cancels all tasks at its end.
    work = asyncio.get_running_loop().run_in_executor(None, lambda: function(*args, **kwargs))
    cancellation: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is not None:
        work.exception()  # marks it as retrieved; else the loop logs it
        raise cancellation
    return work.result()
