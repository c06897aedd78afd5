"""What a run in another process says of itself, read without keeping all of it."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

MAX_LINE_BYTES = 1 << 20
"""A longer line is not read."""

MAX_KEPT = 20
"""So many warnings and errors, and lines that are not events, are kept: the last ones."""

_MAX_TEXT_CHARACTERS = 1000
_PROGRESS_FIELDS = {
    *("timestamp", "level", "event", "run_id", "module", "seconds", "per_second", "rejected"),
    *("read_bytes", "total_bytes", "percent", "seconds_left", "current"),
}

_END = "Run failed"  # the result says the same

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
    """The output of a run in another process: its log, as JSON, and its result.

    Attributes:
        run_id: empty until a line has had it.
        result: what ``platform run --json`` prints; empty until it has come.
        notable: the last warnings and errors.
        text: the last lines of the log that are not events: errors of the command, and traces.
    """

    def __init__(self) -> None:
        self.run_id = ""
        self.result: Event = {}
        self.notable: deque[Event] = deque(maxlen=MAX_KEPT)
        self.text: deque[str] = deque(maxlen=MAX_KEPT)
        self._progress: Event = {}

    def read_log(self, line: bytes) -> None:
        """Take a line of standard error."""
        event = _parse(line)
        if not isinstance(event.get("event"), str) or "level" not in event:
            self.text.append(line.decode(errors="backslashreplace")[:_MAX_TEXT_CHARACTERS])
            return
        self.run_id = self.run_id or str(event.get("run_id", ""))
        if event["event"] == "Progress":
            self._progress = event
        elif event["level"] in ("warn", "error") and event["event"] != _END:
            self.notable.append(event)

    def read_result(self, line: bytes) -> None:
        """Take a line of standard output."""
        result = _parse(line)
        if "exit_code" in result:
            self.result = result

    def describe_progress(self) -> list[str]:
        """Return how far the run has come, as far as it has logged that."""
        progress = self._progress
        records = {name: value for name, value in progress.items() if name not in _PROGRESS_FIELDS}
        words = [f"{count:,} {unit}" for unit, count in records.items() if isinstance(count, int)]
        if progress.get("per_second"):
            words.append(f"{progress['per_second']:,}/s")
        if "percent" in progress:
            words.append(f"{progress['percent']}%")
        return words


def _parse(line: bytes) -> Event:
    """Return the object that a line is; empty where it is not one."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
