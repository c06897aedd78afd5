"""Loggers with one fault each."""

from __future__ import annotations

import copy
import threading
from typing import Any, Self

from platform_memory import MemoryLogger
from tests.planted.subscriptions import noticed_by


@noticed_by("test_bind_adds_fields_to_a_new_logger_only")
class BindChangesTheLoggerItself(MemoryLogger):
    def bind(self, **fields: Any) -> Self:
        self._bound = self._bound | fields
        return self


@noticed_by("test_loggers_bound_from_one_have_nothing_of_each_other")
class LoggersBoundFromOneAreTheSame(MemoryLogger):
    _child: Any = None

    def bind(self, **fields: Any) -> Self:
        child = self._child or super().bind()
        child._child = None
        child._bound |= fields
        self._child = child
        return child


@noticed_by("test_a_field_of_a_call_is_in_that_event_only")
class FieldsOfACallStay(MemoryLogger):
    def _record(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self._bound = self._bound | fields
        super()._record(level, message, fields)


@noticed_by("test_a_later_bind_wins_over_an_earlier_one")
class TheFirstBindWins(MemoryLogger):
    def bind(self, **fields: Any) -> Self:
        bound = copy.copy(self)
        bound._bound = fields | self._bound
        return bound


@noticed_by("test_a_field_of_the_call_wins_over_a_bound_one")
class BoundFieldsWin(MemoryLogger):
    def _record(self, level: str, message: str, fields: dict[str, Any]) -> None:
        super()._record(level, message, fields | self._bound)


@noticed_by("test_signs_in_a_message_mean_nothing")
class MessagesAreFormatted(MemoryLogger):
    def _record(self, level: str, message: str, fields: dict[str, Any]) -> None:
        super()._record(level, message.format(**fields), fields)


@noticed_by("test_signs_in_a_message_mean_nothing")
class MessagesAreInterpolated(MemoryLogger):
    def _record(self, level: str, message: str, fields: dict[str, Any]) -> None:
        super()._record(level, message % () if "%" in message else message, fields)


@noticed_by("test_several_threads_log_at_once")
class EventsOfOtherThreadsAreLost(MemoryLogger):
    def _record(self, level: str, message: str, fields: dict[str, Any]) -> None:
        if threading.current_thread() is threading.main_thread():
            super()._record(level, message, fields)


@noticed_by("test_several_threads_log_at_once")
class ThreadsShareTheFields(MemoryLogger):
    _last: dict[str, Any] = {}  # noqa: RUF012 - the fault

    def bind(self, **fields: Any) -> Self:
        self._last.update(fields)
        return super().bind(**fields)

    def _record(self, level: str, message: str, fields: dict[str, Any]) -> None:
        super()._record(level, message, fields | self._last)


@noticed_by("test_it_takes_events_before_it_is_opened_and_after_it_was_closed")
class AClosedLoggerRaises(MemoryLogger):
    _is_closed = False

    async def disconnect(self) -> None:
        self._is_closed = True

    def _record(self, level: str, message: str, fields: dict[str, Any]) -> None:
        if self._is_closed:
            raise RuntimeError("it is closed")
        super()._record(level, message, fields)
