"""Rejected lines as a table, as text and as JSON, and what is said where there are none."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from platform_interfaces import Reason, Reject

Result = tuple[int, str, str]
NOTHING_NEAR = (
    "nothing is rejected below 'raw/evnts', and no such file or directory exists (did you mean 'raw/events'?)"
)
FILE = "raw/events/2026-01-15/a.jsonl"
LATE, EMPTY = Reason("late", "too late"), Reason("empty", "it is empty")
REJECTS = [Reject(FILE, 1, 0, b"{}", (LATE, EMPTY)), Reject(FILE, 2, 3, b"caf\xe9", (EMPTY,))]


@pytest.fixture(autouse=True)
def stored(project: Path) -> Path:
    """Store two rejects of one file; another file exists."""
    file = project / "files/rejected/raw/events/2026-01-15/rejects.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"".join(reject.to_json("r1") for reject in REJECTS))
    (project / "files/raw/clean").mkdir(parents=True)
    (project / "files/raw/clean/b.jsonl").touch()
    return file


def test_a_list_is_a_table(platform: Callable[..., Result]) -> None:
    code, out, err = platform("rejects", "list", "raw")
    assert (code, err) == (0, "")
    head, row = (line.split(maxsplit=2) for line in out.splitlines())
    assert (head, row) == (["file", "lines", "reasons"], [FILE, "2", "late 1, empty 1"])


def test_lists_and_lines_are_json_too(platform: Callable[..., Result]) -> None:
    listed = json.loads(platform("rejects", "list", "--json")[1])
    files = [{"file": FILE, "lines": 2, "reasons": {"late": 1, "empty": 1}}]
    assert listed == {"version": 1, "files": files}
    shown = json.loads(platform("rejects", "show", FILE, "--json")[1])
    assert shown["version"] == 1
    assert [Reject.from_json(json.dumps(each).encode()) for each in shown["rejects"]] == REJECTS
    assert json.loads(platform("rejects", "list", "nothing", "--json")[1]) == {"version": 1, "files": []}


def test_json_is_whole_where_a_line_was_edited(platform: Callable[..., Result], stored: Path) -> None:
    stored.write_bytes(REJECTS[0].to_json("r1") + b"edited\n")
    for words in (("list", "--json"), ("show", "", "--json")):
        code, out, err = platform("rejects", *words)
        assert (code, json.loads(out)["version"], "line 2 of" in err) == (1, 1, True)


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("raw/clean", "nothing is rejected below 'raw/clean'"),
        ("raw/clean/b.jsonl", "nothing is rejected below 'raw/clean/b.jsonl'"),
        (
            "raw/evnts",
            NOTHING_NEAR,
        ),
    ],
)
def test_where_nothing_is_rejected_it_is_said_whether_the_path_exists(
    platform: Callable[..., Result], prefix: str, message: str
) -> None:
    assert platform("rejects", "list", prefix) == (0, f"{message}\n", "")
    for command in ("show", "drop"):
        assert platform("rejects", command, prefix)[::2] == (
            2,
            f"error: {message}: see 'platform rejects list'\n",
        )
