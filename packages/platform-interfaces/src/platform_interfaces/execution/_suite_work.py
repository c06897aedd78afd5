"""What the contract suite has workers do; here, because ``testing`` needs pytest, and workers have none."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from platform_interfaces.context import PlatformContext
from platform_interfaces.execution.worker_log import WorkerLogger
from platform_interfaces.logging import LoggingInterface


@dataclass(frozen=True)
class SuiteContext:
    """Opens contexts that have a folder, in which each leaves a file; ``broken`` ones fail before that."""

    folder: str
    broken: int = 0

    @asynccontextmanager
    async def __call__(
        self, worker: str, log: LoggingInterface | None = None
    ) -> AsyncGenerator[PlatformContext, None]:
        """Open one."""
        folder = Path(self.folder)
        if count_marks(folder, "broken") < self.broken:
            leave_mark(folder, "broken")
            raise ValueError("the context cannot be opened")
        leave_mark(folder, "context")
        yield PlatformContext(log=log or WorkerLogger(lambda event: None), config={"folder": folder})


def leave_mark(folder: Path, name: str) -> None:
    """Leave one more mark of a name."""
    with (folder / name).open("a") as file:  # one byte, so that several processes may do so at once
        file.write("x")


def count_marks(folder: Path, name: str) -> int:
    """Return how many marks of a name there are."""
    try:
        return (folder / name).stat().st_size
    except FileNotFoundError:
        return 0


async def await_marks(folder: Path, name: str, count: int) -> None:
    """Wait until there are so many marks of a name."""
    async with asyncio.timeout(60):
        while count_marks(folder, name) < count:  # noqa: ASYNC110 - other processes leave them
            await asyncio.sleep(0.01)


def name_in_file(file: Path, number: int) -> None:
    """Write the id of the process and the number, in one step."""
    other = file.with_name(f"{file.name}-{number}")
    other.write_text(f"{os.getpid()} {number}")
    other.replace(file)


class UnpicklableError(Exception):
    """An error that can be pickled, and not be made of that again."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} {other}")

    def __reduce__(
        self,
    ) -> tuple[type, tuple[object, ...]]:  # a library may change the default
        return type(self), self.args


async def double(ctx: PlatformContext, number: int) -> int:
    """Return the number twice, and leave a mark of it."""
    leave_mark(ctx.config["folder"], str(number))
    return 2 * number


async def echo(ctx: PlatformContext, item: object) -> object:
    """Return the item."""
    return item


async def fail_for_odd(ctx: PlatformContext, number: int) -> int:
    """Raise for an odd number."""
    leave_mark(ctx.config["folder"], str(number))
    if number % 2:
        raise LookupError("odd", number)
    return number


async def raise_unpicklable(ctx: PlatformContext, number: int) -> NoReturn:
    """Raise what cannot be sent."""
    raise UnpicklableError("one", "other")


async def return_unpicklable(ctx: PlatformContext, number: int) -> object:
    """Return what cannot be sent."""
    return lambda: number


async def return_bytes(ctx: PlatformContext, size: int) -> bytes:
    """Return so many bytes."""
    return bytes(size)


async def leave(ctx: PlatformContext, code: int) -> NoReturn:
    """Exit."""
    sys.exit(code)


async def name_process(ctx: PlatformContext, number: int) -> int:
    """Return the id of the process, when two calls have begun."""
    leave_mark(ctx.config["folder"], "begun")
    await await_marks(ctx.config["folder"], "begun", 2)
    return os.getpid()


async def log_item(ctx: PlatformContext, number: int) -> None:
    """Log the item, and something that cannot be pickled."""
    ctx.log.bind(bound="b").info("Worked", number=number, odd=lambda: None)


async def wait_for_ever(ctx: PlatformContext, number: int) -> None:
    """Leave a mark, and never end."""
    leave_mark(ctx.config["folder"], "begun")
    while True:
        await asyncio.sleep(0.01)
        leave_mark(ctx.config["folder"], "beat")


async def die_once(ctx: PlatformContext, number: int) -> int:
    """Kill the process at the first attempt at each number that 7 divides; return it twice."""
    leave_mark(ctx.config["folder"], str(number))
    if number % 7 == 0 and count_marks(ctx.config["folder"], str(number)) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


async def die_always(ctx: PlatformContext, number: int) -> int:
    """Kill the process at each attempt at 3; return other numbers twice."""
    leave_mark(ctx.config["folder"], str(number))
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


async def name_victim(ctx: PlatformContext, number: int) -> int:
    """Write the id of the process where the suite finds it, work a little, and return the number twice."""
    name_in_file(ctx.config["folder"] / "victim", number)
    await asyncio.sleep(0.02)
    return 2 * number
