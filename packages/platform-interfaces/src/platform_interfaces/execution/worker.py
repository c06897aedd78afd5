"""A worker, as it is where the function is called."""

import pickle
from contextlib import AsyncExitStack

from platform_interfaces.context import PlatformContext
from platform_interfaces.errors import ExecutorError
from platform_interfaces.execution.messages import dump_error, dump_message
from platform_interfaces.executor import OpenWorkerContext
from platform_interfaces.logging import LoggingInterface


class Worker:
    """Answers calls, one at a time, with a context that the first one opens and that is kept.

    Where it cannot be opened, the call is answered with the error, and the next one tries again.

    Args:
        open_context: opens the context.
        name: the name of the worker, for the log.
        log: the logger of the context; the one that the run has chosen unless given.
    """

    def __init__(
        self, open_context: OpenWorkerContext, name: str, log: LoggingInterface | None = None
    ) -> None:
        self._open_context, self._name, self._log = open_context, name, log
        self._context: PlatformContext | None = None
        self._stack = AsyncExitStack()

    async def answer(self, call: bytes) -> bytes:
        """Make a call and return the answer, pickled; whatever the call raises is in the answer."""
        try:
            try:
                fn, item = pickle.loads(call)
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
                raise ExecutorError(
                    f"worker {self._name} cannot load what it is to call: {why}; it needs the same packages"
                ) from error
            if self._context is None:
                opening = self._open_context(self._name, self._log)
                self._context = await self._stack.enter_async_context(opening)
            result = await fn(self._context, item)
            return dump_message((result, None), f"the result of {fn.__qualname__!r}")
        except SystemExit as error:
            return dump_error(ExecutorError(f"the function ended with sys.exit: {error.code}"), self._name)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this call
            return dump_error(error, self._name)

    async def aclose(self) -> None:
        """Close the context; the next call opens another."""
        self._context = None
        await self._stack.aclose()
