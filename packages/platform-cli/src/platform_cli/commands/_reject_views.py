"""Rejected lines as a table, as text and as JSON."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from platform_cli._text import did_you_mean, printable
from platform_cli.commands._base import say
from platform_cli.commands._json import VERSION, print_json
from platform_cli.commands._table import print_table
from platform_interfaces import REJECTS_FOLDER, FileMissingError, FileSystemError

if TYPE_CHECKING:
    from platform_interfaces import FileSystemInterface, Reject

ReasonCounts = Mapping[str, Counter[str]]
"""The rejected lines of each file by their first reason."""


def print_counts(counts: ReasonCounts) -> None:
    """Print a line for each file with rejected lines."""
    rows = [
        (file, reasons.total(), ", ".join(f"{code} {count}" for code, count in reasons.most_common()))
        for file, reasons in sorted(counts.items())
    ]
    print_table(("file", "lines", "reasons"), rows, wrapped=["reasons"], whole=["file"])


def print_counts_json(counts: ReasonCounts) -> None:
    """Print one JSON object with the files that have rejected lines."""
    files = [
        {"file": file, "lines": reasons.total(), "reasons": dict(reasons.most_common())}
        for file, reasons in sorted(counts.items())
    ]
    print_json({"files": files})


class TextView:
    """Prints rejected lines for people, one after the other: a terminal takes none for a command."""

    def add(self, reject: "Reject") -> None:
        """Print where and why, and below it the text of the line."""
        why = "; ".join(f"{reason.code}: {reason.message}" for reason in reject.reasons)
        say(printable(f"{reject.file}:{reject.line} (byte {reject.offset}) {why}"))
        if reject.raw is not None:
            say(printable(f"    {reject.raw.decode(errors='backslashreplace')}"))

    def end(self) -> None:
        """Print nothing more."""


class JsonView:
    """Prints rejected lines as one JSON object, in constant memory, with exact texts."""

    def __init__(self) -> None:
        self._before = f'{{"version": {VERSION}, "rejects": [\n'

    def add(self, reject: "Reject") -> None:
        """Print one as it is stored, without the run."""
        record = {name: value for name, value in json.loads(reject.to_json("")).items() if name != "run_id"}
        say(self._before + json.dumps(record), has_end=False)
        self._before = ",\n"

    def end(self) -> None:
        """Print the end of the object."""
        say("]}")


async def explain_nothing(fs: "FileSystemInterface", prefix: str) -> str:
    """Return that nothing is rejected below ``prefix``, and whether that exists.

    Raises:
        FileSystemError: when the root itself cannot be read.
    """
    await fs.list_names("")
    if not prefix:
        return "nothing is rejected"
    asked = f"nothing is rejected below {prefix!r}"
    if await _exists(fs, prefix):
        return asked
    stored = await fs.list(REJECTS_FOLDER)
    folders = {folder for path in stored for folder in _folders_of(path)}
    return f"{asked}, and no such file or directory exists{did_you_mean(prefix, folders)}"


async def _exists(fs: "FileSystemInterface", path: str) -> bool:
    try:
        await fs.list_names(path)
    except FileMissingError:
        return False
    except FileSystemError:  # it is a file
        return True
    return True


def _folders_of(path: str) -> list[str]:
    parts = path.split("/")[1:-1]
    return ["/".join(parts[: index + 1]) for index in range(len(parts))]
