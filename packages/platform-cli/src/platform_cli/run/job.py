"""Work that the runner does, and how it ended."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

from platform_cli.container import Container
from platform_cli.failures import exit_code, find_kind
from platform_interfaces import FailureKind


class Ending(NamedTuple):
    """How a job ended: its exit code, the failure that is reported last, and its kind."""

    code: int
    failure: BaseException | None = None
    kind: FailureKind | None = None

    @classmethod
    def of(cls, failure: BaseException) -> Self:
        """Return the ending of a job that failed."""
        return cls(exit_code(failure), failure, find_kind(failure))

    def followed_by(self, problem: BaseException | None) -> "Ending":
        """Return the ending when ``problem`` came after it: only a success becomes a failure."""
        return Ending.of(problem) if problem and not self.code else self


class Job:
    """The work of a command, which prints what it did by itself.

    Args:
        work: returns the exit code.
    """

    def __init__(self, work: Callable[[Container], Awaitable[int]]) -> None:
        self._work = work

    async def run(self, container: Container) -> int:
        """Do the work, and return the exit code."""
        return await self._work(container)

    async def record(self, ending: Ending) -> None:
        """Record how the job ended; of what was opened, the database is still open."""

    def report(self, container: Container, ending: Ending) -> None:
        """Report how the job ended; all but the logger is closed."""
