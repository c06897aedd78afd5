"""What executors with workers promise besides: whatever becomes of a worker, each item has its outcome."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from platform_interfaces import ExecutorError, ExecutorInterface, LogEvent, WorkerLostError
from platform_interfaces.execution._suite_work import (
    SuiteContext,
    count_marks,
    die_always,
    die_once,
    double,
    fail_for_odd,
    leave,
    log_item,
    name_process,
    name_victim,
    raise_unpicklable,
    wait_for_ever,
)
from platform_interfaces.testing._capabilities import requires
from platform_interfaces.testing._support import bounded

T = TypeVar("T")


async def collect(outcomes: AsyncGenerator[T, None]) -> list[T]:
    """Return all that a generator yields."""
    async with bounded(), aclosing(outcomes):
        return [each async for each in outcomes]


async def await_begin(task: asyncio.Task[Any], folder: Path) -> None:
    """Wait until a call has begun; where the task ends before, raise its error."""
    async with bounded():
        while not count_marks(folder, "begun"):
            if task.done():
                task.result()
            await asyncio.sleep(0.01)


async def await_stillness(folder: Path) -> None:
    """Wait until calls that were given up have ended."""
    async with bounded():
        before = -1
        while before != (now := count_marks(folder, "beat")):
            before = now
            await asyncio.sleep(0.3)


class ExecutorWorkerCases:
    """Its workers are processes, which may be killed."""

    has_workers = True
    """Whether the function is called in other processes than this."""

    @requires("has_workers")
    async def test_two_workers_work_at_the_same_time(self, executor: ExecutorInterface) -> None:
        found = await collect(executor.map_unordered(name_process, [1, 2], max_in_flight=2))
        processes = {each.result for each in found}
        assert len(processes) == 2
        assert os.getpid() not in processes

    @requires("has_workers")
    async def test_a_worker_opens_one_context_and_keeps_it(
        self, executor: ExecutorInterface, tmp_path: Path
    ) -> None:
        for _ in range(2):
            await collect(executor.map_unordered(double, range(8), max_in_flight=4))
        assert 1 <= count_marks(tmp_path, "context") <= 2

    @requires("has_workers")
    async def test_a_context_that_cannot_be_opened_is_the_error_of_its_item_alone(
        self, unprepared: ExecutorInterface, resource: ExecutorInterface, tmp_path: Path
    ) -> None:
        recipe = SuiteContext(str(tmp_path), broken=1)
        unprepared.prepare(resource.context, recipe, log=resource.log, workers=1)
        async with unprepared:
            found = await collect(unprepared.map_unordered(double, range(4), max_in_flight=1))
        assert [type(each.error) for each in found if each.error] == [ValueError]
        assert len([each for each in found if each.error is None]) == 3

    @requires("has_workers")
    async def test_what_workers_log_is_in_the_log_of_the_run(
        self, executor: ExecutorInterface, events: list[LogEvent]
    ) -> None:
        await collect(executor.map_unordered(log_item, [7], max_in_flight=1))
        async with bounded():
            while not any(each.message == "Worked" for each in events):  # noqa: ASYNC110 - may come late
                await asyncio.sleep(0.01)
        [found] = [each for each in events if each.message == "Worked"]
        assert found.level == "info"
        assert found.fields["worker"]
        assert (found.fields["bound"], found.fields["number"]) == ("b", 7)
        assert "lambda" in str(found.fields["odd"])

    @requires("has_workers")
    async def test_an_error_that_cannot_be_sent_is_shown_by_its_text(
        self, executor: ExecutorInterface
    ) -> None:
        [found] = await collect(executor.map_unordered(raise_unpicklable, [1], max_in_flight=1))
        assert isinstance(found.error, ExecutorError)
        assert "UnpicklableError: one other" in str(found.error)

    @requires("has_workers")
    async def test_an_error_has_the_trace_of_the_worker_as_a_note(self, executor: ExecutorInterface) -> None:
        [found] = await collect(executor.map_unordered(fail_for_odd, [1], max_in_flight=1))
        assert found.error is not None
        assert "in fail_for_odd" in "".join(found.error.__notes__)

    @requires("has_workers")
    async def test_a_function_that_exits_is_an_error_of_its_item_alone(
        self, executor: ExecutorInterface
    ) -> None:
        [found] = await collect(executor.map_unordered(leave, [3], max_in_flight=1))
        assert isinstance(found.error, ExecutorError)
        assert "exit" in str(found.error)

    @requires("has_workers")
    async def test_items_of_workers_that_die_are_done_by_others(self, executor: ExecutorInterface) -> None:
        found = await collect(executor.map_unordered(die_once, range(1, 15), max_in_flight=4))
        assert sorted((each.item, each.result, each.error) for each in found) == [
            (number, 2 * number, None) for number in range(1, 15)
        ]

    @requires("has_workers")
    async def test_a_worker_that_is_killed_from_outside_takes_no_result_with_it(
        self, executor: ExecutorInterface, tmp_path: Path
    ) -> None:
        found = list[Any]()
        outcomes = executor.map_unordered(name_victim, range(40), max_in_flight=4)
        async with bounded(), aclosing(outcomes):
            async for outcome in outcomes:
                found.append(outcome)
                if len(found) == 15:
                    with suppress(ProcessLookupError):
                        os.kill(int((tmp_path / "victim").read_text().split()[0]), signal.SIGKILL)
        assert sorted((each.item, each.result, each.error) for each in found) == [
            (number, 2 * number, None) for number in range(40)
        ]

    @requires("has_workers")
    async def test_an_item_that_kills_each_of_its_workers_is_given_up_and_harms_no_other(
        self, executor: ExecutorInterface, tmp_path: Path
    ) -> None:
        found = await collect(executor.map_unordered(die_always, range(8), max_in_flight=3))
        lost = [each for each in found if each.error]
        assert [each.item for each in lost] == [3]
        assert isinstance(lost[0].error, WorkerLostError)
        assert 2 <= count_marks(tmp_path, "3") <= 10
        assert sorted((each.item, each.result) for each in found if not each.error) == [
            (number, 2 * number) for number in range(8) if number != 3
        ]

    @requires("has_workers")
    async def test_to_disconnect_ends_the_calls_that_run(
        self, resource: ExecutorInterface, tmp_path: Path
    ) -> None:
        async with bounded():
            async with resource:
                running = collect(resource.map_unordered(wait_for_ever, [1], max_in_flight=1))
                task = asyncio.create_task(running)
                await await_begin(task, tmp_path)
            with pytest.raises(ExecutorError):
                await task
            await await_stillness(tmp_path)
