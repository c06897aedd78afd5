"""An executor whose workers die and come back, in the process of the tests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from platform_executors import InlineExecutor
from platform_interfaces import (
    Columns,
    ConnectionLostError,
    DatabaseInterface,
    ItemT,
    Outcome,
    PlatformContext,
    ResultT,
    WorkerLostError,
)

FAULTS = ("", "lost answer", "died", "died at the end", "beside", "slow")


class _DiedError(Exception):
    """The process of the attempt was killed."""


class _FaultyDatabase:
    """Loses the answer to one write, or dies after it: the rows are in the table."""

    def __init__(self, db: DatabaseInterface, error: Exception, after: int) -> None:
        self._db, self._error, self._left = db, error, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def bulk_insert(self, table: str, rows: Columns, **options: Any) -> int:
        count = await self._db.bulk_insert(table, rows, **options)
        self._left -= 1
        if self._left == 0:
            raise self._error
        return count


@dataclass
class FaultyExecutor(InlineExecutor):
    """Does each item at least once, in any order; each attempt may have one of ``FAULTS``.

    Attributes:
        faults: one for each item; the last stands for all others.
        seed: of the order of the items, and of when attempts die.
        attempts: how many there were.
    """

    is_in_process = False
    faults: Sequence[str] = ("",)
    seed: int | None = None
    asked_for: int | None = 2
    attempts: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__init__()
        self._draw = random.Random(self.seed)

    def prepare(self, *arguments: Any, **options: Any) -> None:
        super().prepare(*arguments, **{**options, "workers": self.asked_for})

    async def map_unordered(
        self,
        fn: Callable[[PlatformContext, ItemT], Awaitable[ResultT]],
        items: Iterable[ItemT],
        *,
        max_in_flight: int,
    ) -> AsyncGenerator[Outcome[ItemT, ResultT], None]:
        given = list(enumerate(items))
        if self.seed is not None:
            self._draw.shuffle(given)
        late = list[asyncio.Task[Any]]()
        for number, item in given:
            fault = self.faults[min(number, len(self.faults) - 1)]
            yield await self._attempt(fn, item, fault, late)
        await asyncio.gather(*late, return_exceptions=True)

    async def _attempt(
        self,
        fn: Callable[[PlatformContext, ItemT], Awaitable[ResultT]],
        item: ItemT,
        fault: str,
        late: list[Any],
    ) -> Outcome[ItemT, ResultT]:
        self.attempts += 1 + (fault not in ("", "lost answer", "poison"))
        whole = self.context
        if fault == "poison":
            return Outcome(item, error=WorkerLostError("given up"))
        if fault == "lost answer":
            return await self._call_in(self._faulty(ConnectionLostError("lost")), fn, item)
        if fault == "died":
            with suppress(_DiedError):
                await fn(self._faulty(_DiedError()), item)
        elif fault == "died at the end":
            await fn(whole, item)
        elif fault in ("beside", "slow"):
            first, second = (asyncio.create_task(self._call_in(whole, fn, item)) for _ in range(2))
            if fault == "slow":
                late.append(second)
                return await first
            return (await asyncio.gather(first, second))[self._draw.randrange(2)]
        return await self._call_in(whole, fn, item)

    async def _call_in(
        self,
        ctx: PlatformContext,
        fn: Callable[[PlatformContext, ItemT], Awaitable[ResultT]],
        item: ItemT,
    ) -> Outcome[ItemT, ResultT]:
        try:
            return Outcome(item, await fn(ctx, item))
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this item
            return Outcome(item, error=error)

    def _faulty(self, error: Exception) -> PlatformContext:
        ctx = self.context
        db = _FaultyDatabase(ctx.db, error, self._draw.randint(1, 3))
        return PlatformContext(
            log=ctx.log, db=cast("DatabaseInterface", db), fs=ctx.fs, config=ctx.config, run=ctx.run
        )
