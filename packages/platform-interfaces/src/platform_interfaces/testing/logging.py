"""What every ``LoggingInterface`` promises."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from platform_interfaces import LogEvent, LoggingInterface
from platform_interfaces.testing._lifecycle import LifecycleCases

ReadEvents = Callable[[], list[LogEvent]]


class _Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        return "<unprintable>"


class LoggingContract(LifecycleCases):
    """Subscribe with fixtures ``log`` (which records everything) and ``events`` (which reads it back)."""

    @pytest.fixture
    def log(self) -> LoggingInterface:
        """Return the logger under test; the subscriber overrides this."""
        raise NotImplementedError

    @pytest.fixture
    def events(self, log: LoggingInterface) -> ReadEvents:
        """Return the function that reads the events back; the subscriber overrides this."""
        raise NotImplementedError

    @pytest.fixture
    def resource(self, log: LoggingInterface) -> LoggingInterface:
        """Return the same instance, for the cases that open it themselves."""
        return log

    async def use(self, resource: LoggingInterface) -> None:
        """Log an event."""
        resource.info("m", line=1)

    @pytest.mark.asyncio
    async def test_it_takes_events_before_it_is_opened_and_after_it_was_closed(
        self, log: LoggingInterface, events: ReadEvents
    ) -> None:
        log.info("before")
        async with log:
            log.info("open")
        log.bind(run="r1").info("after")
        assert LogEvent("info", "open", {}) in events()

    def test_each_level_keeps_message_and_fields(self, log: LoggingInterface, events: ReadEvents) -> None:
        log.debug("d", number=1)
        log.info("i", text="two words")
        log.warn("w")
        log.error("e", flag=True)
        assert events() == [
            LogEvent("debug", "d", {"number": 1}),
            LogEvent("info", "i", {"text": "two words"}),
            LogEvent("warn", "w", {}),
            LogEvent("error", "e", {"flag": True}),
        ]

    def test_bind_adds_fields_to_a_new_logger_only(self, log: LoggingInterface, events: ReadEvents) -> None:
        bound = log.bind(run="r1").bind(file="a")
        bound.info("bound", line=3)
        log.info("plain")
        assert events() == [
            LogEvent("info", "bound", {"run": "r1", "file": "a", "line": 3}),
            LogEvent("info", "plain", {}),
        ]

    def test_a_field_of_the_call_wins_over_a_bound_one(
        self, log: LoggingInterface, events: ReadEvents
    ) -> None:
        log.bind(file="a").info("m", file="b")
        assert events()[0].fields == {"file": "b"}

    def test_a_later_bind_wins_over_an_earlier_one(self, log: LoggingInterface, events: ReadEvents) -> None:
        first = log.bind(file="a")
        first.bind(file="b").info("later")
        first.info("earlier")
        assert [event.fields for event in events()] == [{"file": "b"}, {"file": "a"}]

    def test_loggers_bound_from_one_have_nothing_of_each_other(
        self, log: LoggingInterface, events: ReadEvents
    ) -> None:
        parent = log.bind(run="r1")
        one, other = parent.bind(file="a"), parent.bind(line=1)
        for logger in (one, other, parent):
            logger.info("m")
        assert [event.fields for event in events()] == [
            {"run": "r1", "file": "a"},
            {"run": "r1", "line": 1},
            {"run": "r1"},
        ]

    def test_a_field_of_a_call_is_in_that_event_only(self, log: LoggingInterface, events: ReadEvents) -> None:
        bound = log.bind(run="r1")
        for logger in (log, bound):
            logger.info("with", run="r2", line=1)
            logger.info("without")
        assert [event.fields for event in events()] == [
            {"run": "r2", "line": 1},
            {},
            {"run": "r2", "line": 1},
            {"run": "r1"},
        ]

    @pytest.mark.parametrize(
        "message", ["{line} of 100 %s", "{} of 50 %", "%(line)s", "{", "{0!r:>9}", "$line"]
    )
    def test_signs_in_a_message_mean_nothing(
        self, log: LoggingInterface, events: ReadEvents, message: str
    ) -> None:
        log.info(message, line=1)
        log.bind(file="{}").error(message)
        assert events() == [
            LogEvent("info", message, {"line": 1}),
            LogEvent("error", message, {"file": "{}"}),
        ]

    def test_several_threads_log_at_once(self, log: LoggingInterface, events: ReadEvents) -> None:
        def work(number: int) -> None:
            bound = log.bind(thread=number)
            start.wait()
            for line in range(50):
                bound.info("m", line=line)

        start = Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        found = [(event.message, event.fields["thread"], event.fields["line"]) for event in events()]
        assert sorted(found) == [("m", number, line) for number in range(4) for line in range(50)]
        # Each thread's own events are in their order.
        assert all([n for _, each, n in found if each == number] == [*range(50)] for number in range(4))

    @pytest.mark.parametrize("name", ["event", "level", "name", "msg", "exc_info", "timestamp"])
    def test_no_field_name_is_taken(self, log: LoggingInterface, events: ReadEvents, name: str) -> None:
        log.info("m", **{name: "value"})
        [event] = events()
        assert (event.level, event.message, event.fields) == ("info", "m", {name: "value"})

    def test_a_value_that_cannot_be_shown_does_not_stop_the_job(
        self, log: LoggingInterface, events: ReadEvents
    ) -> None:
        log.info("m", bad=_Unprintable(), surrogate="\ud800", nested={"a": [b"\xff", object()]})
        assert [event.message for event in events()] == ["m"]
