"""What every ``LoggingInterface`` promises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from platform_interfaces import LoggingInterface


@dataclass(frozen=True)
class RecordedEvent:
    """One event as a test reads it back."""

    level: str
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)


ReadEvents = Callable[[], list[RecordedEvent]]


class _Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        return "<unprintable>"


class LoggingContract:
    """Subscribe with fixtures ``log`` (which records everything) and ``events`` (which reads it back)."""

    @pytest.fixture
    def log(self) -> LoggingInterface:
        """To be given by the subscriber."""
        raise NotImplementedError

    @pytest.fixture
    def events(self, log: LoggingInterface) -> ReadEvents:
        """To be given by the subscriber."""
        raise NotImplementedError

    def test_each_level_keeps_message_and_fields(self, log: LoggingInterface, events: ReadEvents) -> None:
        log.debug("d", number=1)
        log.info("i", text="two words")
        log.warn("w")
        log.error("e", flag=True)
        assert events() == [
            RecordedEvent("debug", "d", {"number": 1}),
            RecordedEvent("info", "i", {"text": "two words"}),
            RecordedEvent("warn", "w", {}),
            RecordedEvent("error", "e", {"flag": True}),
        ]

    def test_bind_adds_fields_to_a_new_logger_only(self, log: LoggingInterface, events: ReadEvents) -> None:
        bound = log.bind(run="r1").bind(file="a")
        bound.info("bound", line=3)
        log.info("plain")
        assert events() == [
            RecordedEvent("info", "bound", {"run": "r1", "file": "a", "line": 3}),
            RecordedEvent("info", "plain", {}),
        ]

    def test_a_field_of_the_call_wins_over_a_bound_one(
        self, log: LoggingInterface, events: ReadEvents
    ) -> None:
        log.bind(file="a").info("m", file="b")
        assert events()[0].fields == {"file": "b"}

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
