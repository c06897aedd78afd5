"""The timestamps by which the rows of attempts are known."""

import datetime as dt
import random
from dataclasses import dataclass, replace

from batch_etl.ingest.formats import COMPRESSED_SUFFIXES
from batch_etl.ingest.limits import Limits
from batch_etl.ingest.shards.plan import Shard
from batch_etl.ingest.table import MAX_RUN_SPAN
from batch_etl.ingest.window import TICK
from platform_interfaces import PlatformError

ATTEMPTS = 32
"""Ranges of a shard: each attempt draws one."""

_LINE_BYTES = 20  # a valid line has more; so a batch of some lines, or the next one, has as many times this
_SPARE_WRITES = 64
_EXPANSION = 20  # of the content of a compressed file


class TooManyWritesError(PlatformError):
    """An attempt has more writes than it has timestamps."""


@dataclass(frozen=True, slots=True)
class TickRange:
    """The timestamps that the attempts of a shard may give to rows, one for each write.

    Each attempt draws one of ``ATTEMPTS`` ranges of ``writes`` timestamps, so that two attempts differ in
    them. It cannot ask the parent, for the engine makes attempts by itself. Should two draw the same, the
    account stays exact: a row has one timestamp; an attempt takes it for its own insert at most once, in the
    one write that has this timestamp; and of all attempts of the shard, whose timestamps these are, one
    result is taken. So no row is counted twice, and how many rows there are, the table itself says.

    Attributes:
        run_after: all rows of the run come after this.
        run_until: and none after this.
        shard_after: those of the shard come after this.
        writes: how many timestamps an attempt has.
        ends_before_writes: whether the clock of the server shall be past ``run_until`` when a row is written.
            Then no later run of the date begins inside the window, not even after a kill.
    """

    run_after: dt.datetime
    run_until: dt.datetime
    shard_after: dt.datetime
    writes: int
    ends_before_writes: bool


class AttemptWindow:
    """The ``created_at`` of the rows of one attempt.

    Attributes:
        after: the timestamp that all rows of the run come after.
        until: the latest that a row of the run may have.
        attempt_after: the timestamp that all rows of this attempt come after.
    """

    def __init__(self, ticks: TickRange) -> None:
        self.after, self.until, self._left = ticks.run_after, ticks.run_until, ticks.writes
        # Not the generator that a test or a forked worker may have seeded.
        drawn = random.SystemRandom().randrange(ATTEMPTS)
        self.attempt_after = self._taken = ticks.shard_after + drawn * ticks.writes * TICK

    async def take(self) -> dt.datetime:
        """Return the ``created_at`` of the next write; no two writes have one in common.

        Raises:
            TooManyWritesError: when there are no more.
        """
        if not self._left:
            raise TooManyWritesError("an attempt needs more timestamps than it has: its lines are very short")
        self._left -= 1
        self._taken += TICK
        return self._taken


def count_writes(shard: Shard, limits: Limits) -> int:
    """Return how many writes an attempt of the shard may have."""
    size = sum(
        part.size * (_EXPANSION if COMPRESSED_SUFFIXES.search(part.path) else 1) for part in shard.parts
    )
    return _SPARE_WRITES + size // max(1, min(limits.batch_lines * _LINE_BYTES, limits.batch_bytes))


def divide_window(
    after: dt.datetime, writes: list[int], *, ends_before_writes: bool
) -> tuple[list[TickRange], dt.datetime]:
    """Return the range of each shard, by the number of its writes, and the end of all of them.

    Raises:
        PlatformError: when they are too many for one run.
    """
    until, ranges = after, list[TickRange]()
    for count in writes:
        ranges.append(TickRange(after, after, until, count, ends_before_writes))
        until += ATTEMPTS * count * TICK
    if until - after > MAX_RUN_SPAN:
        raise PlatformError("there are too many lines for one run on workers: load them with --workers 1")
    return [replace(each, run_until=until) for each in ranges], until
