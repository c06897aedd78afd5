"""How far a run has come, how quickly, and how long it will take."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from platform_interfaces import Progress

WINDOW_SECONDS = 30.0
"""Rates are those of the last half minute, from the first record: slow files shall not count for long."""


@dataclass(frozen=True)
class Reading:
    """The progress of a run at one time.

    Attributes:
        progress: as the module has set it.
        seconds: since the meter was made.
        per_second: records a second; None where none were read lately.
        seconds_left: None where it is not known.
    """

    progress: Progress
    seconds: float
    per_second: float | None
    seconds_left: float | None

    @property
    def share(self) -> float | None:
        """Return which share of the bytes was read, from 0 to 1; None where the total is not known."""
        total = self.progress.total_bytes
        return min(self.progress.read_bytes / total, 1.0) if total else None


class _Sample(NamedTuple):
    at: float
    records: int
    read_bytes: int


class Meter:
    """Reads the progress of a run against the clock."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress, self._clock, self._started = progress, clock, clock()
        self._samples = deque([_Sample(self._started, 0, 0)])

    def read(self) -> Reading:
        """Return how far the run has come by now."""
        progress = self._progress
        now = _Sample(self._clock(), progress.records, progress.read_bytes)
        samples = self._samples
        while len(samples) > 1 and (samples[0].at < now.at - WINDOW_SECONDS or not _has_started(samples[1])):
            samples.popleft()
        first = samples[0]
        samples.append(now)
        seconds = now.at - first.at
        read_bytes = now.read_bytes - first.read_bytes
        seconds_left = None
        if progress.total_bytes and read_bytes > 0:
            seconds_left = max(progress.total_bytes - now.read_bytes, 0) * seconds / read_bytes
        per_second = (now.records - first.records) / seconds if seconds > 0 else 0.0
        return Reading(progress, now.at - self._started, per_second or None, seconds_left)


def _has_started(sample: _Sample) -> bool:
    return bool(sample.records or sample.read_bytes)
