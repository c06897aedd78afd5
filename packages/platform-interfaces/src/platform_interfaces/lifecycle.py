"""Undoing at the end what was done at the start."""

from collections.abc import Awaitable, Callable


class Lifecycle:
    """Hooks to run when the job ends, however it ends: last registered, first run."""

    def __init__(self) -> None:
        self._hooks: list[Callable[[], Awaitable[None]]] = []

    def on_shutdown(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Have ``hook`` run once by ``shutdown``; register it right after what it undoes."""
        self._hooks.append(hook)

    async def shutdown(self) -> None:
        """Run the hooks in reverse order; all of them run even if one fails. A second call does nothing.

        Raises:
            ExceptionGroup: when hooks failed, with what each of them raised.
            BaseException: when a hook was cancelled or interrupted, what that raised.
        """
        failures: list[Exception] = []
        interruption: BaseException | None = None
        while self._hooks:
            hook = self._hooks.pop()
            try:
                await hook()
            except Exception as error:  # noqa: BLE001 - the remaining hooks must still run
                failures.append(error)
            except BaseException as error:  # noqa: BLE001 - and then, too
                interruption = error
        if interruption:
            raise interruption
        if failures:
            raise ExceptionGroup("shutdown failed", failures)
