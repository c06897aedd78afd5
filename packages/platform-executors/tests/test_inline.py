import pytest

from platform_executors import InlineExecutor
from platform_interfaces import PlatformContext
from platform_memory import MemoryLogger


async def double(ctx: PlatformContext, number: int) -> int:
    if number == 2:
        raise ValueError("two")
    ctx.run.figures[str(number)] = 2 * number
    return 2 * number


async def test_the_function_has_the_context_of_the_run_and_its_error_is_kept_as_it_is() -> None:
    context, log = PlatformContext(), MemoryLogger()

    def refuse(worker: str, log: object = None) -> object:
        raise AssertionError("there are no workers")

    executor = InlineExecutor()
    executor.prepare(context, refuse, log=log, workers=1)  # type: ignore[arg-type]
    async with executor:
        found = [each async for each in executor.map_unordered(double, [1, 2, 3], max_in_flight=2)]
    assert [(each.item, each.result) for each in found] == [(1, 2), (2, None), (3, 6)]
    assert context.run.figures == {"1": 2, "3": 6}
    with pytest.raises(ValueError, match="two"):
        raise found[1].error or AssertionError
