"""A headless Chromium, driven by its DevTools protocol over two pipes: no driver has to be installed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "google-chrome", "chromium-browser")

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--hide-scrollbars", "--remote-debugging-pipe"),
)
# The browser reads commands from descriptor 3 and writes what it has to say to 4.
_START = (
    "import os, sys; [os.dup2(int(sys.argv[i]), i + 2) for i in (1, 2)]; os.execv(sys.argv[3], sys.argv[3:])"
)

Message = dict[str, Any]


def find_browser() -> str | None:
    """Return the path of a browser; None where the machine has none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """A page of a browser; ``messages`` are the events that it has reported."""

    def __init__(self, commands: int, answers: int) -> None:
        self.messages: list[Message] = []
        self._commands, self._answers = commands, answers
        self._session, self._last_id, self._rest = "", 0, b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Call a method of the protocol, and return its result."""
        self._last_id += 1
        command = {"id": self._last_id, "method": method, "params": params}
        session = {"sessionId": self._session} if self._session else {}
        os.write(self._commands, json.dumps(command | session).encode() + b"\0")
        answer = self._wait(lambda message: message.get("id") == self._last_id)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, file: Path) -> None:
        """Open a file, and wait until it is loaded; ``messages`` begin with it."""
        self.messages.clear()
        self.call("Page.navigate", url=file.as_uri())
        if not self.find("Page.loadEventFired"):
            self._wait(lambda message: message.get("method") == "Page.loadEventFired")

    def find(self, *methods: str) -> list[Message]:
        """Return the events of these names, since the page was opened."""
        return [message["params"] for message in self.messages if message.get("method") in methods]

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; no policy of the page forbids it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def _wait(self, is_wanted: Callable[[Message], bool]) -> Message:
        while True:
            while b"\0" not in self._rest:
                received = os.read(self._answers, 1 << 16)
                assert received, "the browser has ended"
                self._rest += received
            text, _, self._rest = self._rest.partition(b"\0")
            message: Message = json.loads(text)
            if "method" in message:
                self.messages.append(message)
            if is_wanted(message):
                return message


@contextmanager
def open_browser(executable: str, profile: Path) -> Iterator[Page]:
    """Yield the page of a new browser, whose profile is the empty folder ``profile``."""
    read_command, write_command = os.pipe()
    read_answer, write_answer = os.pipe()
    command = [executable, *_FLAGS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        [sys.executable, "-c", _START, str(read_command), str(write_answer), *command],
        pass_fds=(read_command, write_answer),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(read_command)
    os.close(write_answer)
    try:
        yield Page(write_command, read_answer)
    finally:
        os.close(write_command)  # the browser ends when its pipe is closed
        os.close(read_answer)
        process.wait(timeout=30)
