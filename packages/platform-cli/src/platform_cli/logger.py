"""Loggers on structlog, to standard error: one for people, one for machines.

LOG_LEVEL is the least level that is shown: DEBUG, INFO (unless set), WARN or ERROR.
"""

import copy
import io
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Self, TextIO, cast

import click

from platform_cli._last_errors import LastErrors
from platform_cli._masking import hide_in, hide_secrets
from platform_cli._render import show, to_json
from platform_cli._text import did_you_mean, printable
from platform_interfaces import ConfigurationError, LoggingInterface, SecretsInterface

_LEVELS = ("debug", "info", "warn", "error")
_ELLIPSIS, _MAX_MAPPING = "...", 40
_COLOURS = {"debug": "blue", "info": "green", "warn": "yellow", "error": "red"}

Event = Mapping[str, Any]
"""``timestamp``, ``level``, ``event`` (the message), ``fields``, and ``bound``: the names of those bound."""


class _StandardError(io.TextIOBase):
    """Standard error as it is at each write: while progress is shown, something else stands in for it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text) if sys.stderr else 0  # None where the process has none

    def flush(self) -> None:
        if sys.stderr:
            sys.stderr.flush()


_STANDARD_ERROR = _StandardError()  # one, because structlog has a lock for each


class _StructuredLogger(LoggingInterface):
    """The base of both loggers; ``render`` makes the line. Writing is safe from several threads.

    A line that cannot be written (a closed pipe, a full disk) is dropped: the job matters more.

    Attributes:
        last_errors: the errors that this logger, or one bound from it, logged last.
    """

    def __init__(self, secrets: SecretsInterface, render: Callable[[Event], str]) -> None:
        import structlog

        self._least = _LEVELS.index(_level(secrets))
        self._fields: Mapping[str, Any] = {}
        self.last_errors = LastErrors()
        # All that structlog needs is given here: its global settings are neither relied on nor changed.
        self._structlog: Any = structlog.wrap_logger(
            structlog.WriteLogger(cast("TextIO", _STANDARD_ERROR)),
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                lambda _logger, _method, event: render(event),
            ],
            wrapper_class=structlog.BoundLogger,
            context_class=dict,
        ).bind()

    def debug(self, message: str, **fields: Any) -> None:
        self._write("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._write("info", message, fields)

    def warn(self, message: str, **fields: Any) -> None:
        self._write("warn", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._write("error", message, fields)

    def bind(self, **fields: Any) -> Self:
        bound = copy.copy(self)
        bound._fields = {**self._fields, **fields}
        return bound

    def _write(self, level: str, message: str, fields: dict[str, Any]) -> None:
        if level == "error":
            self.last_errors.add(message, fields)
        else:
            self.last_errors.end_group()
        if _LEVELS.index(level) >= self._least:
            shown = fields | {name: value for name, value in self._fields.items() if name not in fields}
            with suppress(OSError, ValueError):  # ValueError: standard error was closed
                # Nested, because structlog's own keywords would clash with fields of the same name.
                getattr(self._structlog, level)(
                    hide_secrets(message),
                    level=level,
                    fields={name: hide_in(value, name) for name, value in shown.items()},
                    bound=[name for name in shown if name not in fields],
                )


class JsonLogger(_StructuredLogger):
    """One JSON object per line: ``timestamp`` (UTC), ``level``, ``event`` (the message), then the fields.

    A field of one of these three names is written with ``_`` behind it.
    """

    def __init__(self, secrets: SecretsInterface) -> None:
        super().__init__(secrets, _json_line)


class PrettyLogger(_StructuredLogger):
    """Lines for people: time (UTC), level, message, ``name=value``; NO_COLOR keeps terminals plain.

    On a terminal, unless all is shown (DEBUG), the time lacks the date, bound fields are shown where they
    change, and a line of the level INFO takes one row: what does not fit gives way to ``...``, as do large
    mappings everywhere.
    """

    def __init__(self, secrets: SecretsInterface) -> None:
        is_terminal = bool(sys.stderr) and sys.stderr.isatty()
        is_coloured = is_terminal and "NO_COLOR" not in os.environ
        is_short = is_terminal and _level(secrets) != "debug"
        super().__init__(secrets, _PrettyLine(click.style if is_coloured else _unstyled, is_short=is_short))


def _level(secrets: SecretsInterface) -> str:
    asked = secrets.get_or_default("LOG_LEVEL", "INFO")
    level = {"warning": "warn"}.get(asked.lower(), asked.lower())
    if level not in _LEVELS:
        names = [name.upper() for name in _LEVELS]
        raise ConfigurationError(
            f"LOG_LEVEL is {asked!r}: use one of {', '.join(names)}{did_you_mean(asked, names)}"
        )
    return level


def _json_line(event: Event) -> str:
    line = {key: event[key] for key in ("timestamp", "level", "event")}
    for name, value in event["fields"].items():
        while name in line:
            name += "_"
        line[name] = value
    return to_json(line)


def _unstyled(text: str, **_: Any) -> str:
    return text


class _PrettyLine:
    """Renders an event for people, in full, or short for a terminal."""

    def __init__(self, style: Callable[..., str], *, is_short: bool) -> None:
        self._style, self._is_short = style, is_short
        self._last_bound: Mapping[str, Any] = {}

    def __call__(self, event: Event) -> str:
        fields = self._drop_repeated(event) if self._is_short else event["fields"]
        shown = {printable(name): show(value) for name, value in fields.items()}
        short = {name: text for name, text in shown.items() if "\n" not in text}
        line = self._make_line(event, short)
        # A traceback or a statement is read as it is, below its event; the bars keep it from posing as one.
        blocks = [
            f"  | {line}"
            for name, text in shown.items()
            if name not in short
            for line in [f"{name}:", *text.split("\n")]
        ]
        return "\n".join([line, *blocks])

    def _drop_repeated(self, event: Event) -> Mapping[str, Any]:
        fields = event["fields"]
        last, self._last_bound = self._last_bound, {name: fields[name] for name in event["bound"]}
        repeated = {name for name, value in self._last_bound.items() if name in last and last[name] == value}
        return {name: _shorten(value) for name, value in fields.items() if name not in repeated}

    def _make_line(self, event: Event, fields: Mapping[str, str]) -> str:
        style, message, level = self._style, printable(event["event"]), event["level"].ljust(5)
        timestamp = event["timestamp"][11 if self._is_short else 0 : 19] + "Z"
        columns = _columns() if self._is_short and event["level"] == "info" else None
        width = len(f"{timestamp} {level} {message}")
        parts = [
            style(timestamp, dim=True),
            style(level, fg=_COLOURS[event["level"]]),
            style(message, bold=True),
        ]
        for index, (name, text) in enumerate(fields.items(), 1):
            width += len(f" {name}={text}")
            if columns and width > columns - (4 if index < len(fields) else 0):
                parts.append(_ELLIPSIS)
                break
            parts.append(style(f"{name}=", fg="cyan") + text)
        return " ".join(parts)


def _shorten(value: object) -> object:
    """Return a value, and three dots for a large mapping: the summary of a run has what matters of it."""
    return _ELLIPSIS if isinstance(value, Mapping) and len(show(value)) > _MAX_MAPPING else value


def _columns() -> int | None:
    """Return the width of the terminal; None where it is not known."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or None
    except (AttributeError, OSError, ValueError):
        return None
