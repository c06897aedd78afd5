"""Retries of what may succeed a little later."""

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from batch_etl.ingest.limits import Limits
from platform_interfaces import LoggingInterface, PlatformError


def retrying(log: LoggingInterface, limits: Limits) -> AsyncRetrying:
    """Return what retries, for ``retry_seconds``, whatever fails with a transient error."""

    def report(state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        log.warn("Trying again", attempt=state.attempt_number, reason=str(error))

    return AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, PlatformError) and error.is_transient),
        wait=wait_random_exponential(limits.first_pause_seconds, limits.longest_pause_seconds),
        stop=stop_after_delay(limits.retry_seconds),
        before_sleep=report,
        reraise=True,
    )
