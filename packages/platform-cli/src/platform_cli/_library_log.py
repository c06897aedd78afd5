"""Forward what libraries log by the standard library's ``logging`` to the log of the run."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from platform_cli._masking import hide_secrets
from platform_cli.failures import describe
from platform_interfaces import LoggingInterface


@contextmanager
def library_log(find_log: Callable[[], LoggingInterface]) -> Iterator[None]:
    """Return a block in which warnings and errors of libraries go to the log, with the name of their logger.

    Each text is shown once: what a library repeats, as while a server is away, is a detail.
    Where a module, a library or the log itself has set up ``logging``, its records go there, and there alone.
    """
    before = logging.lastResort
    logging.lastResort = _Forwarder(find_log, before)
    try:
        yield
    finally:
        logging.lastResort = before


class _Forwarder(logging.Handler):
    def __init__(self, find_log: Callable[[], LoggingInterface], otherwise: logging.Handler | None) -> None:
        super().__init__(logging.WARNING)
        self._find_log, self._otherwise = find_log, otherwise
        self._is_busy = False  # changed under the handler's lock only, as is the next
        self._shown = set[tuple[str, str]]()

    def emit(self, record: logging.LogRecord) -> None:
        if self._is_busy:  # it is a record of the log itself, which is made of ``logging``
            if self._otherwise:
                self._otherwise.handle(record)
            return
        self._is_busy = True
        try:
            write = self._choose_level(record)
            error = record.exc_info[1] if record.exc_info else None
            write(_text(record), logger=record.name, **({"error": describe(error)} if error else {}))
        finally:
            self._is_busy = False

    def _choose_level(self, record: logging.LogRecord) -> Callable[..., None]:
        log, key = self._find_log(), (record.name, _text(record))
        if key in self._shown:
            return log.debug
        self._shown.add(key)
        return log.error if record.levelno >= logging.ERROR else log.warn


def _text(record: logging.LogRecord) -> str:
    try:
        return hide_secrets(record.getMessage())
    except Exception:  # noqa: BLE001 - its arguments do not fit, which must not stop the run
        return hide_secrets(str(record.msg))
