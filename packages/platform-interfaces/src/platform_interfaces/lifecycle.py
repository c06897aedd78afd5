"""Opening what a run works with, and undoing at its end what was done at its start."""

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from platform_interfaces.checks import Check


class AsyncResource:
    """A resource that is opened and closed, by explicit calls or by ``async with``.

    Every interface is one. The defaults do nothing, for an adapter that holds nothing open.

    Attributes:
        is_in_process: whether only this process can use what it holds, as data in memory: then a run does
            all its work in this process.
    """

    is_in_process: bool = False

    async def connect(self) -> None:
        """Open the resource; a second call does nothing.

        Raises:
            PlatformError: when it cannot be opened; then nothing is left open.
        """

    async def disconnect(self) -> None:
        """Close the resource within a bounded time; a second call, or one before ``connect``, does nothing.

        The resource can be connected again.
        """

    def list_checks(self) -> Sequence[Check]:
        """Return what only this adapter can say of its state, for ``platform doctor``; asks nothing itself.

        The checks are made while the resource is open. What is checked of every adapter is not in it: that
        it can be opened and, of databases and file systems, that they can be read and written.
        """
        return ()

    async def __aenter__(self) -> Self:
        """Connect for the length of the block."""
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self.disconnect()


class Lifecycle:
    """Hooks to run when the run ends, however it ends: last registered, first run."""

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
