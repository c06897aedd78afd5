"""What every ``ExecutorInterface`` promises."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from platform_interfaces import ExecutorError, ExecutorInterface, LogEvent, Outcome, PlatformContext
from platform_interfaces.execution import MAX_MESSAGE_BYTES, WorkerLogger
from platform_interfaces.execution._suite_work import (
    SuiteContext,
    count_marks,
    double,
    echo,
    fail_for_odd,
    return_bytes,
    return_unpicklable,
    wait_for_ever,
)
from platform_interfaces.testing._capabilities import CapabilityCases
from platform_interfaces.testing._executor_workers import (
    ExecutorWorkerCases,
    await_begin,
    await_stillness,
    collect,
)
from platform_interfaces.testing._lifecycle import LifecycleCases
from platform_interfaces.testing._support import bounded


def _not_a_coroutine(ctx: PlatformContext, item: int) -> int:
    return item


class ExecutorContract(ExecutorWorkerCases, LifecycleCases, CapabilityCases):
    """Subscribe with a fixture ``unprepared``: an executor as it is built; the suite prepares and opens it.

    What a subscriber may declare besides, with its default:

    - ``has_workers`` (True): False where the function is called in this process.
    """

    @pytest.fixture
    def unprepared(self) -> ExecutorInterface:
        """Return the executor under test; the subscriber overrides this."""
        raise NotImplementedError

    @pytest.fixture
    def events(self) -> list[LogEvent]:
        """Return the list of what is logged."""
        return []

    @pytest.fixture
    def resource(
        self, unprepared: ExecutorInterface, tmp_path: Path, events: list[LogEvent]
    ) -> ExecutorInterface:
        """Return the executor with two workers, for the cases that open it themselves."""
        log = WorkerLogger(events.append)
        context = PlatformContext(log=log, config={"folder": tmp_path})
        unprepared.prepare(context, SuiteContext(str(tmp_path)), log=log, workers=2)
        return unprepared

    @pytest_asyncio.fixture
    async def executor(self, resource: ExecutorInterface) -> AsyncIterator[ExecutorInterface]:
        """Return the same instance, opened."""
        async with resource:
            yield resource

    async def use(self, resource: ExecutorInterface) -> None:
        """Make a call."""
        assert await collect(resource.map_unordered(echo, ["a"], max_in_flight=1)) == [Outcome("a", "a")]

    async def test_each_item_has_one_outcome_with_its_result(self, executor: ExecutorInterface) -> None:
        found = await collect(executor.map_unordered(double, range(50), max_in_flight=8))
        assert sorted((each.item, each.result, each.error) for each in found) == [
            (number, 2 * number, None) for number in range(50)
        ]

    async def test_without_items_there_is_no_outcome(self, executor: ExecutorInterface) -> None:
        assert await collect(executor.map_unordered(double, [], max_in_flight=3)) == []

    async def test_what_the_function_raises_is_the_outcome_and_is_not_retried(
        self, executor: ExecutorInterface, tmp_path: Path
    ) -> None:
        found = await collect(executor.map_unordered(fail_for_odd, range(6), max_in_flight=3))
        assert sorted(each.item for each in found) == [*range(6)]
        for each in found:
            assert each.result == (None if each.item % 2 else each.item)
            assert type(each.error) is (LookupError if each.item % 2 else type(None))
            assert each.error is None or each.error.args == ("odd", each.item)
            assert count_marks(tmp_path, str(each.item)) == 1

    async def test_an_item_that_cannot_be_sent_harms_no_other(self, executor: ExecutorInterface) -> None:
        odd = lambda: None  # noqa: E731 - it cannot be pickled
        large = bytes(MAX_MESSAGE_BYTES)
        found = await collect(executor.map_unordered(echo, [1, odd, large, 2], max_in_flight=2))
        assert sorted(each.result for each in found if each.error is None) == [1, 2]  # type: ignore[type-var]
        errors = {id(each.item): each.error for each in found if each.error}
        assert all(isinstance(error, ExecutorError) for error in errors.values())
        assert errors.keys() == {id(odd), id(large)}
        assert "cannot be pickled" in str(errors[id(odd)])
        assert f"{MAX_MESSAGE_BYTES:,}" in str(errors[id(large)])

    async def test_a_result_that_cannot_be_sent_is_an_error_that_says_so(
        self, executor: ExecutorInterface
    ) -> None:
        [found] = await collect(executor.map_unordered(return_unpicklable, [1], max_in_flight=1))
        assert isinstance(found.error, ExecutorError)
        assert "return_unpicklable" in str(found.error)
        assert "cannot be pickled" in str(found.error)

    async def test_a_result_may_be_large_up_to_the_limit(self, executor: ExecutorInterface) -> None:
        sizes = [MAX_MESSAGE_BYTES // 2, MAX_MESSAGE_BYTES + 1]
        found = await collect(executor.map_unordered(return_bytes, sizes, max_in_flight=1))
        small, large = sorted(found, key=lambda each: each.item)
        assert (len(small.result or b""), small.error) == (sizes[0], None)
        assert (large.result, type(large.error)) == (None, ExecutorError)
        assert f"{MAX_MESSAGE_BYTES:,}" in str(large.error)

    async def test_a_function_that_workers_cannot_import_is_refused(
        self, executor: ExecutorInterface
    ) -> None:
        async def local(ctx: PlatformContext, item: int) -> int:
            return item

        wrong: list[Any] = [local, _not_a_coroutine, "double"]
        for fn in wrong:
            with pytest.raises(TypeError):
                await collect(executor.map_unordered(fn, [1], max_in_flight=1))
        await self.use(executor)

    async def test_a_limit_below_1_is_refused(self, executor: ExecutorInterface) -> None:
        with pytest.raises(ValueError, match="max_in_flight"):
            await collect(executor.map_unordered(double, [1], max_in_flight=0))

    @pytest.mark.parametrize("limit", [1, 3])
    async def test_no_more_items_are_taken_than_the_limit_allows(
        self, executor: ExecutorInterface, limit: int
    ) -> None:
        yielded, ahead = 0, list[int]()

        def items() -> Iterator[int]:
            for number in range(20):
                ahead.append(number + 1 - yielded)
                yield number

        outcomes = executor.map_unordered(double, items(), max_in_flight=limit)
        async with bounded(), aclosing(outcomes):
            async for _ in outcomes:
                yielded += 1
                await asyncio.sleep(0)
        assert yielded == 20
        assert max(ahead) <= limit

    async def test_a_generator_that_is_closed_early_takes_no_more_items_and_ends_its_calls(
        self, executor: ExecutorInterface
    ) -> None:
        source = iter(range(1000))
        outcomes = executor.map_unordered(double, source, max_in_flight=4)
        async with bounded(), aclosing(outcomes):
            async for _ in outcomes:
                break
        assert next(source) <= 5
        await self.use(executor)

    async def test_a_cancelled_run_gives_up_its_calls(
        self, executor: ExecutorInterface, tmp_path: Path
    ) -> None:
        task = asyncio.create_task(collect(executor.map_unordered(wait_for_ever, [1, 2], max_in_flight=2)))
        await await_begin(task, tmp_path)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await self.use(executor)
        await await_stillness(tmp_path)

    async def test_an_error_of_the_items_passes_and_ends_the_calls(
        self, executor: ExecutorInterface, tmp_path: Path
    ) -> None:
        def items() -> Iterator[int]:
            yield 1
            raise ArithmeticError("no more")

        with pytest.raises(ArithmeticError, match="no more"):
            await collect(executor.map_unordered(double, items(), max_in_flight=2))
        await self.use(executor)

    async def test_two_maps_at_a_time_have_their_own_outcomes(self, executor: ExecutorInterface) -> None:
        twice, same = await asyncio.gather(
            collect(executor.map_unordered(double, range(10), max_in_flight=2)),
            collect(executor.map_unordered(echo, range(10), max_in_flight=2)),
        )
        assert sorted(each.result or 0 for each in twice) == [2 * number for number in range(10)]
        assert sorted(each.result for each in same) == [*range(10)]  # type: ignore[type-var]

    async def test_one_that_is_not_connected_refuses(self, resource: ExecutorInterface) -> None:
        async with bounded():
            with pytest.raises(ExecutorError, match="connect"):
                await collect(resource.map_unordered(double, [1], max_in_flight=1))
            async with resource:
                await self.use(resource)
            with pytest.raises(ExecutorError, match="connect"):
                await collect(resource.map_unordered(double, [1], max_in_flight=1))
