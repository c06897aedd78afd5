"""A command on a terminal: what it writes there, and what a person would see."""

import fcntl
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class Screen:
    """The rows that a terminal has shown so far, for the few controls that the command uses."""

    def __init__(self, text: str) -> None:
        self.rows = [""]
        self._row, self._column = 0, 0
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.|[^\x1b]", text, re.DOTALL):
            self._take(part)

    def __str__(self) -> str:
        """Return the rows, without blanks at their ends."""
        return "\n".join(row.rstrip() for row in self.rows)

    def _take(self, part: str) -> None:
        if part == "\r":
            self._column = 0
        elif part == "\n":
            self._row += 1
            self.rows += [""] * (self._row + 1 - len(self.rows))
        elif part.startswith("\x1b["):
            self._control(part[-1], part[2:-1])
        else:
            row = self.rows[self._row].ljust(self._column)
            self.rows[self._row] = row[: self._column] + part + row[self._column + 1 :]
            self._column += 1

    def _control(self, kind: str, number: str) -> None:
        if kind == "A":
            self._row -= int(number)
            assert self._row >= 0
        elif kind == "J":
            del self.rows[self._row + 1 :]
            self.rows[self._row] = self.rows[self._row][: self._column]
        else:
            assert kind == "m", f"a control that leaves the terminal changed: {kind}{number}"


class Terminal:
    """A command that runs on a terminal of its own.

    Attributes:
        text: all that it has written.
    """

    def __init__(
        self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], columns: int = 100
    ) -> None:
        self.text = ""
        self._process_id, self._master = pty.fork()
        if self._process_id == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
            os.chdir(cwd)
            os.execve(command[0], list(command), dict(environment))
        self._modes = termios.tcgetattr(self._master)

    def read_until(self, is_there: Callable[[str], object]) -> None:
        """Read until what was written so far is as expected, or the command has ended, which is an error."""
        while not is_there(self.text):
            assert self._read(), f"the command has ended: {self.text}"

    def press(self, keys: str) -> None:
        """Type keys: ``\\x03`` is Ctrl-C."""
        os.write(self._master, keys.encode())

    def finish(self) -> int:
        """Read to the end, and return the exit code; the terminal must be as it was."""
        while self._read():
            pass
        assert termios.tcgetattr(self._master) == self._modes
        os.close(self._master)
        self._master = -1
        _, status = os.waitpid(self._process_id, 0)
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """Kill the command where it has not been read to its end."""
        if self._master >= 0:
            os.kill(self._process_id, signal.SIGKILL)
            os.close(self._master)
            os.waitpid(self._process_id, 0)

    @property
    def screen(self) -> str:
        """Return what is shown."""
        return str(Screen(self.text))

    def _read(self) -> bool:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # what Linux reports at the end
            return False
        self.text += data.decode()
        return bool(data)
