"""What executors are made of, without an executor."""

import pickle
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from platform_interfaces import ExecutorError, LogEvent, LoggingInterface, PlatformContext
from platform_interfaces.execution import MAX_MESSAGE_BYTES, Worker, WorkerLogger, check_call, dump_message
from platform_interfaces.execution._suite_work import UnpicklableError, echo
from platform_interfaces.execution.messages import dump_error, load_answer
from platform_interfaces.testing import LoggingContract


class TestWorkerLogger(LoggingContract):
    @pytest.fixture
    def sent(self) -> list[LogEvent]:
        return []

    @pytest.fixture
    def log(self, sent: list[LogEvent]) -> WorkerLogger:
        return WorkerLogger(sent.append)

    @pytest.fixture
    def events(self, sent: list[LogEvent]) -> Callable[[], list[LogEvent]]:
        return lambda: pickle.loads(pickle.dumps(sent))


def test_a_message_of_the_largest_size_is_sent_and_no_larger_one() -> None:
    fits = bytes(MAX_MESSAGE_BYTES - len(pickle.dumps(bytes(MAX_MESSAGE_BYTES))) + MAX_MESSAGE_BYTES)
    assert len(dump_message(fits, "it")) == MAX_MESSAGE_BYTES
    with pytest.raises(ExecutorError, match=r"^it has 16,777,217 bytes, and 16,777,216 are the limit: "):
        dump_message(fits + b"x", "it")


def test_a_method_or_a_coroutine_function_of_the_main_module_is_refused() -> None:
    async def fn(ctx: PlatformContext, item: int) -> int:
        return item

    with pytest.raises(TypeError, match="define it at the top level"):
        check_call(fn, 1)
    check_call(echo, 1)
    with pytest.raises(TypeError, match="'async def fn"):
        check_call(LogEvent, 1)


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UnpicklableError("one", "other"), "UnpicklableError: one other"),
        (ValueError(lambda: None), "ValueError: <function"),
        (ValueError("x" * MAX_MESSAGE_BYTES), "ValueError, which cannot be sent"),
        (UnprintableError(lambda: None), "UnprintableError"),
    ],
    ids=["not made again", "not pickled", "too large", "without text"],
)
def test_an_error_that_cannot_be_sent_is_replaced(error: Exception, text: str) -> None:
    result, found = load_answer(dump_error(error, "1"))
    assert (result, type(found)) == (None, ExecutorError)
    assert str(found).startswith(text)


def test_an_answer_that_cannot_be_read_is_an_error() -> None:
    result, error = load_answer(b"\x80\x05nonsense")
    assert (result, type(error)) == (None, ExecutorError)


class TestWorker:
    """A worker on contexts that count how often they are opened and closed."""

    @pytest.fixture
    def story(self) -> list[str]:
        return []

    @pytest.fixture
    def worker(self, story: list[str]) -> Worker:
        @asynccontextmanager
        async def recipe(worker: str, log: LoggingInterface | None = None) -> AsyncIterator[PlatformContext]:
            story.append(f"open {worker}")
            if len(story) == 1:
                raise OSError("not yet")
            yield PlatformContext()
            story.append("close")

        return Worker(recipe, "7")

    async def ask(self, worker: Worker, item: object) -> tuple[object, Exception | None]:
        return load_answer(await worker.answer(dump_message((echo, item), "an item")))

    async def test_a_context_that_cannot_be_opened_is_tried_again_and_then_kept(
        self, worker: Worker, story: list[str]
    ) -> None:
        _, error = await self.ask(worker, 1)
        assert type(error) is OSError
        assert [await self.ask(worker, item) for item in (2, 3)] == [(2, None), (3, None)]
        await worker.aclose()
        await worker.aclose()
        assert story == ["open 7", "open 7", "close"]

    async def test_a_function_that_cannot_be_imported_is_an_error_that_says_so(self, worker: Worker) -> None:
        _, error = load_answer(await worker.answer(b"cnowhere\nfn\n."))
        assert isinstance(error, ExecutorError)
        assert "worker 7 cannot load what it is to call: ModuleNotFoundError" in str(error)
        assert "the same packages" in str(error)
