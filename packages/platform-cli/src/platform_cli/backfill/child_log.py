"""What a run in another process says of itself, read from its log without keeping all of it."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

MAX_LINE_BYTES = 1 << 20
"""A longer line is left out."""

MAX_KEPT = 20
"""So many warnings and errors, and lines that are not events, are kept: the last ones."""

Event = Mapping[str, Any]


class LineSplitter:
    """Calls ``on_line`` for each line of what it is fed."""

    def __init__(self, on_line: Callable[[bytes], None]) -> None:
        self._on_line = on_line
        self._rest = b""
        self._is_too_long = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self._is_too_long and line:
                self._on_line(line)
            self._is_too_long = False
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest, self._is_too_long = b"", True

    def finish(self) -> None:
        """Take the end of the last line."""
        self.feed(b"\n")


class ChildLog:
    """The log of a run in another process, which writes it as JSON.

    Attributes:
        run_id: empty until a line has had it.
        end: the last line of the run; None until it has come.
        notable: the last warnings and errors.
        text: the last lines that are not events: errors of the command, and tracebacks.
    """

    def __init__(self) -> None:
        self.run_id = ""
        self.end: Event | None = None
        self.notable: deque[Event] = deque(maxlen=MAX_KEPT)
        self.text: deque[str] = deque(maxlen=MAX_KEPT)

    def read(self, line: bytes) -> None:
        """Take a line."""
        event = _parse(line)
        if event is None:
            self.text.append(line.decode(errors="backslashreplace")[:1000])
            return
        self.run_id = self.run_id or str(event.get("run_id", ""))
        if event["event"] in ("Run complete", "Run failed") and "exit_code" in event:
            self.end = event
        elif event["level"] in ("warn", "error"):
            self.notable.append(event)

    @property
    def error(self) -> str:
        """Return what the command itself says is wrong; empty where it says nothing."""
        return "; ".join(line.removeprefix("error: ") for line in self.text if line.startswith("error: "))


def _parse(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    is_event = isinstance(event, dict) and isinstance(event.get("event"), str) and "level" in event
    return event if is_event else None
