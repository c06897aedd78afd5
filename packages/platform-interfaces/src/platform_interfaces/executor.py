"""Work that is done item by item, in this process or on workers."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from platform_interfaces.lifecycle import AsyncResource
from platform_interfaces.logging import LoggingInterface

if TYPE_CHECKING:
    from platform_interfaces.context import PlatformContext

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Outcome(Generic[ItemT, ResultT]):
    """What became of one item.

    Attributes:
        item: as it was taken from the items.
        result: what the function returned; None where there is an error.
        error: what the function raised, or why it could not be called; None where it returned.
    """

    item: ItemT
    result: ResultT | None = None
    error: Exception | None = None


class OpenWorkerContext(Protocol):
    """Opens the context of a worker; pickled, it has names and settings, no connection and no secret."""

    def __call__(
        self, worker: str, log: LoggingInterface | None = None
    ) -> "AbstractAsyncContextManager[PlatformContext]":
        """Return a block with a context of its own, whose adapters are open in it.

        Args:
            worker: the name of the worker, for the log.
            log: the logger of the context; the one that the run has chosen unless given.
        """


class ExecutorInterface(AsyncResource, ABC):
    """Calls a function for many items, in this process or on workers.

    The function is ``async def fn(ctx, item)`` at the top level of an installed package. Workers import it by
    its name; items and results are pickled, and small. In this process ``ctx`` is the context of the run. A
    worker makes one of its own from names and settings, when its first item comes, and keeps it: the database
    has as many connections as there are workers, times those of a pool.

    An item runs at least once: it may run twice, also twice at the same time, because a worker that is taken
    for lost may be alive. What the function does has to be right then, too.

    Attributes:
        context: the context of the run, from ``prepare``.
        open_worker_context: opens a context like it on a worker, from ``prepare``.
        log: the logger of the run, for what workers log, from ``prepare``.
        workers: how many workers were asked for; None where the module decides, by its input and the machine.
    """

    context: "PlatformContext"
    open_worker_context: OpenWorkerContext
    log: LoggingInterface
    workers: int | None = 1

    def prepare(
        self,
        context: "PlatformContext",
        open_worker_context: OpenWorkerContext,
        *,
        log: LoggingInterface,
        workers: int | None,
    ) -> None:
        """Take what the function is called with; whoever builds the executor does so before ``connect``."""
        self.context, self.open_worker_context = context, open_worker_context
        self.log, self.workers = log, workers

    @abstractmethod
    def map_unordered(
        self,
        fn: "Callable[[PlatformContext, ItemT], Awaitable[ResultT]]",
        items: Iterable[ItemT],
        *,
        max_in_flight: int,
    ) -> AsyncGenerator[Outcome[ItemT, ResultT], None]:
        """Yield one outcome for each item, in the order in which they end.

        An item is taken when it can be started: at no time are more than ``max_in_flight`` taken whose
        outcomes were not yielded. What the function raises is in the outcome, and is not retried. An item
        whose worker is lost is given to another one, up to a limit of the executor, and then its error is a
        ``WorkerLostError``. That harms no other item. Where an item, a result or an error cannot be pickled,
        or is larger than 16 MiB, the error is an ``ExecutorError``.

        To close the generator, or to cancel what waits for it, gives up the calls that run. Use
        ``contextlib.aclosing`` where it may not be read to its end.

        Raises:
            TypeError: when ``fn`` is not a coroutine function that workers can import.
            ValueError: when ``max_in_flight`` is less than 1.
            ExecutorError: when the executor is not connected, or has lost all that it works with.
        """
