"""Loggers on structlog, to standard error: one for people, one for machines.

LOG_LEVEL is the least level that is shown: DEBUG, INFO (unless set), WARN or ERROR.
"""

import copy
import io
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Self

import click

from platform_cli._last_errors import LastErrors
from platform_cli._masking import hide_in, hide_secrets
from platform_cli._render import show, to_json
from platform_cli._text import did_you_mean, printable
from platform_interfaces import ConfigurationError, LoggingInterface, SecretsInterface

_LEVELS = ("debug", "info", "warn", "error")
_COLOURS = {"debug": "blue", "info": "green", "warn": "yellow", "error": "red"}

Event = Mapping[str, Any]


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
            structlog.WriteLogger(sys.stderr or io.StringIO()),  # None where the process has none
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
                )


class JsonLogger(_StructuredLogger):
    """One JSON object per line: ``timestamp`` (UTC), ``level``, ``event`` (the message), then the fields.

    A field of one of these three names is written with ``_`` behind it.
    """

    def __init__(self, secrets: SecretsInterface) -> None:
        super().__init__(secrets, _json_line)


class PrettyLogger(_StructuredLogger):
    """Lines for people: time (UTC), level, message, ``name=value``; NO_COLOR keeps terminals plain."""

    def __init__(self, secrets: SecretsInterface) -> None:
        is_coloured = bool(sys.stderr) and sys.stderr.isatty() and "NO_COLOR" not in os.environ
        super().__init__(secrets, partial(_pretty_line, style=click.style if is_coloured else _unstyled))


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


def _pretty_line(event: Event, *, style: Callable[..., str]) -> str:
    head = [
        style(event["timestamp"][:19] + "Z", dim=True),
        style(event["level"].ljust(5), fg=_COLOURS[event["level"]]),
        style(printable(event["event"]), bold=True),
    ]
    shown = {printable(name): show(value) for name, value in event["fields"].items()}
    fields = [style(f"{name}=", fg="cyan") + text for name, text in shown.items() if "\n" not in text]
    # A traceback or a statement is read as it is, below its event; the bars keep it from posing as one.
    blocks = [
        f"  | {line}"
        for name, text in shown.items()
        if "\n" in text
        for line in [f"{name}:", *text.split("\n")]
    ]
    return "\n".join([" ".join([*head, *fields]), *blocks])
