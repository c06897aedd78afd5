"""The list of runs, in as many columns as a terminal has room for."""

import datetime as dt
import shutil
from collections.abc import Collection, Sequence

from platform_cli._durations import format_duration
from platform_cli.commands._run_views import describe_status, name_entry
from platform_cli.commands._table import is_terminal, print_table
from platform_cli.history.record import RunRecord
from platform_cli.history.words import list_words

_MIN_ARGUMENTS = 20
_DROPPED = ("took", "arguments", "module")
"""The columns that a narrow terminal does not show, the first that is left out first."""


def print_runs(records: Sequence[RunRecord]) -> None:
    """Print a line for each run.

    A terminal shows no year, and no argument that all of them have; where it is narrow, fewer columns: an
    id, a time or a kind of failure is not cut.
    """
    is_short = is_terminal()
    lists = [_shorten(list_words(record)) for record in records]
    common = set(lists[0]).intersection(*lists) if is_short and len(lists) > 1 else set[str]()
    columns = {
        "run": [record.short_id for record in records],
        "start (UTC)" if is_short else "started (UTC)": [_format_start(each, is_short) for each in records],
        "module": [name_entry(record) for record in records],
        "status": [describe_status(record) for record in records],
        "took": ["" if each.seconds is None else format_duration(each.seconds) for each in records],
        "arguments": [
            " ".join(word for word in words if word not in common or word == record.arguments.get("date"))
            for record, words in zip(records, lists, strict=True)
        ],
    }
    if is_short:
        _fit(columns, shutil.get_terminal_size().columns)
    whole = [name for name in columns if name != "arguments"]
    print_table([*columns], zip(*columns.values(), strict=True), numbers=["took"], whole=whole)


def _fit(columns: dict[str, list[str]], width: int) -> None:
    """Remove columns until the others fit; then the word before a kind of failure, which says it, too."""
    for name in _DROPPED:
        if _find_width(columns) > width:
            del columns[name]
    if _find_width(columns) > width:
        columns["status"] = [status.removeprefix("failed: ") for status in columns["status"]]


def _find_width(columns: dict[str, list[str]]) -> int:
    def width(name: str, values: Collection[str]) -> int:
        widest = max(map(len, (name, *values)))
        return min(widest, _MIN_ARGUMENTS) if name == "arguments" else widest

    return sum(width(name, values) + 2 for name, values in columns.items()) - 2


def _format_start(record: RunRecord, is_short: bool) -> str:
    return record.started_at.astimezone(dt.UTC).strftime("%m-%d %H:%M" if is_short else "%Y-%m-%d %H:%M")


def _shorten(words: list[str]) -> list[str]:
    """Return the words without the names of options that have a value, for which a list has no room."""
    names = zip(words, [*words, "--"][1:], strict=True)
    return [word for word, following in names if not word.startswith("--") or following.startswith("--")]
