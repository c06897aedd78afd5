"""Executors with one fault each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from platform_executors import InlineExecutor, ProcessesExecutor
from platform_executors._process_handle import ProcessDiedError
from platform_interfaces import ExecutorError, Outcome, WorkerLostError
from platform_interfaces.execution import WorkerLogger, check_call
from tests.planted.subscriptions import noticed_by

Outcomes = AsyncGenerator[Outcome[Any, Any], None]


@noticed_by("test_no_more_items_are_taken_than_the_limit_allows")
class AllItemsAreTakenFirst(InlineExecutor):
    def map_unordered(self, fn: Any, items: Any, *, max_in_flight: int) -> Outcomes:
        return super().map_unordered(fn, list(items), max_in_flight=max_in_flight)


@noticed_by("test_each_item_has_one_outcome_with_its_result")
class TheLastItemIsLost(InlineExecutor):
    def map_unordered(self, fn: Any, items: Any, *, max_in_flight: int) -> Outcomes:
        return super().map_unordered(fn, [*items][:-1], max_in_flight=max_in_flight)


@noticed_by("test_each_item_has_one_outcome_with_its_result")
class AnItemHasTwoOutcomes(InlineExecutor):
    async def map_unordered(self, fn: Any, items: Any, *, max_in_flight: int) -> Outcomes:
        async for outcome in super().map_unordered(fn, items, max_in_flight=max_in_flight):
            yield outcome
            if outcome.item == 7:
                yield outcome


@noticed_by("test_what_the_function_raises_is_the_outcome_and_is_not_retried")
class ErrorsAreRetried(InlineExecutor):
    async def _call(self, fn: Any, item: Any) -> Outcome[Any, Any]:
        outcome = await super()._call(fn, item)
        return await super()._call(fn, item) if outcome.error else outcome


@noticed_by("test_what_the_function_raises_is_the_outcome_and_is_not_retried")
class ErrorsAreRaised(InlineExecutor):
    async def _call(self, fn: Any, item: Any) -> Outcome[Any, Any]:
        outcome: Outcome[Any, Any] = await super()._call(fn, item)
        if outcome.error:
            raise outcome.error
        return outcome


@noticed_by(
    "test_an_item_that_cannot_be_sent_harms_no_other",
    "test_a_result_that_cannot_be_sent_is_an_error_that_says_so",
)
class NothingHasToBeSent(InlineExecutor):
    async def _call(self, fn: Any, item: Any) -> Outcome[Any, Any]:
        return Outcome(item, await fn(self.context, item))


@noticed_by("test_a_function_that_workers_cannot_import_is_refused", "test_a_limit_below_1_is_refused")
class ArgumentsAreNotChecked(InlineExecutor):
    async def map_unordered(self, fn: Any, items: Any, *, max_in_flight: int) -> Outcomes:
        for item in items:
            yield await self._call(fn, item)


@noticed_by("test_one_that_is_not_connected_refuses")
class ItWorksWithoutAConnection(InlineExecutor):
    async def map_unordered(self, fn: Any, items: Any, *, max_in_flight: int) -> Outcomes:
        check_call(fn, max_in_flight)
        for item in items:
            yield await self._call(fn, item)


@noticed_by("test_items_of_workers_that_die_are_done_by_others")
class ADeathIsTheEndOfItsItem(ProcessesExecutor):
    async def run_call(self, call: bytes) -> bytes:
        try:
            return await self._ask("1", call)
        except ProcessDiedError as error:
            raise WorkerLostError("it died") from error


@noticed_by("test_an_item_that_kills_each_of_its_workers_is_given_up_and_harms_no_other")
class ADeathIsTheEndOfAll(ProcessesExecutor):
    async def run_call(self, call: bytes) -> bytes:
        try:
            return await super().run_call(call)
        except WorkerLostError as error:
            raise ExecutorError("it died") from error


@noticed_by("test_a_worker_opens_one_context_and_keeps_it")
class EachCallHasAContext(ProcessesExecutor):
    async def run_call(self, call: bytes) -> bytes:
        answer = await super().run_call(call)
        for handle in [*self._handles.values()]:
            await handle.stop()
        return answer


@noticed_by("test_what_workers_log_is_in_the_log_of_the_run")
class WorkersLogNothing(ProcessesExecutor):
    async def connect(self) -> None:
        await super().connect()
        self.log = WorkerLogger(lambda event: None)


@noticed_by("test_a_cancelled_run_gives_up_its_calls")
class CancelledCallsGoOn(ProcessesExecutor):
    async def run_call(self, call: bytes) -> bytes:
        return await asyncio.shield(super().run_call(call))


@noticed_by("test_two_workers_work_at_the_same_time")
class ThereIsOneWorker(ProcessesExecutor):
    async def connect(self) -> None:
        self.workers = 1
        await super().connect()
