"""Retries of what may succeed a little later."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    AttemptManager,
    RetryCallState,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from batch_etl.ingest.limits import Limits
from platform_interfaces import LoggingInterface, PlatformError

_T = TypeVar("_T")

REPORT_SECONDS = 10.0


class Retries:
    """Retries whatever fails with a transient error, for ``retry_seconds``, and knows why that began.

    Several calls at once fail of one cause: it is a warning when it begins, and one more now and then; each
    attempt is a detail.
    """

    def __init__(self, log: LoggingInterface, limits: Limits) -> None:
        self._log, self._limits = log, limits
        self._cause: BaseException | None = None  # of the first failure since all was well
        self._failing = 0  # calls that have failed and not succeeded yet
        self._failures, self._began_at, self._reported_at = 0, 0.0, 0.0

    async def __call__(self, function: Callable[[], Awaitable[_T]]) -> _T:
        """Return what ``function`` returns in the end."""
        async for attempt in self.attempts():
            with attempt:
                result = await function()
        return result

    async def attempts(self) -> AsyncIterator[AttemptManager]:
        """Yield attempts until one succeeds; the error of the last is raised."""
        limits, number = self._limits, 1
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_is_transient),
            wait=wait_random_exponential(limits.first_pause_seconds, limits.longest_pause_seconds),
            stop=stop_after_delay(limits.retry_seconds),
            before_sleep=self._report,
            reraise=True,
        ):
            yield attempt
            number = attempt.retry_state.attempt_number
        if number > 1:
            self._failing -= 1
            if not self._failing:
                self._log.info("Succeeded again", failures=self._failures, seconds=self._seconds())
                self._cause = None

    def explain(self, error: PlatformError) -> PlatformError | None:
        """Return ``error`` with the cause of the first failure; None where that says nothing more."""
        if not self._cause or not error.is_transient or str(self._cause) in str(error):
            return None
        return type(error)(f"{self._cause}; after {self._seconds()} s of trying again: {error}")

    def _report(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        now = time.monotonic()
        write, fields = self._log.debug, {"attempt": state.attempt_number}
        if self._cause is None:
            self._cause, self._failures, self._began_at, self._reported_at = error, 0, now, now
            write, fields = self._log.warn, {"at_most_seconds": round(self._limits.retry_seconds)}
        self._failures += 1
        self._failing += state.attempt_number == 1
        if now - self._reported_at >= REPORT_SECONDS:
            self._reported_at = now
            write, fields = self._log.warn, {"failures": self._failures, "seconds": self._seconds()}
        write("Trying again", **fields, reason=str(error))

    def _seconds(self) -> int:
        return round(time.monotonic() - self._began_at)


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, PlatformError) and error.is_transient
