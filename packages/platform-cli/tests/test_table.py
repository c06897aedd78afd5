"""A table shows each value on one line, aligned, and nothing in it can disturb a terminal."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest

from platform_cli.commands._table import print_table

Lines = Callable[..., list[str]]


class Terminal(StringIO):
    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True


@pytest.fixture
def piped(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Prints a table where there is no terminal, and returns its lines."""

    def piped(*args: object, **options: object) -> list[str]:
        print_table(*args, **options)  # type: ignore[arg-type]
        return capsys.readouterr().out.splitlines()

    return piped


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """Prints a table on a terminal without colours, and returns its lines."""
    monkeypatch.setenv("NO_COLOR", "1")

    def on_terminal(*args: object, width: int = 30, encoding: str = "utf-8", **options: object) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        terminal = Terminal(encoding)
        with monkeypatch.context() as context:
            context.setattr(sys, "stdout", terminal)
            print_table(*args, **options)  # type: ignore[arg-type]
        return terminal.getvalue().splitlines()

    return on_terminal


def test_text_is_on_the_left_and_numbers_are_on_the_right(piped: Lines) -> None:
    rows = [["a", 1, Decimal("1.50"), "2 s"], ["long", 1000, None, "10 s"]]
    assert piped(["name", "count", "price", "time"], rows, numbers=["time"], missing="NULL") == [
        "name  count  price  time",
        "a         1   1.50   2 s",
        "long   1000   NULL  10 s",
    ]


def test_a_table_without_rows_is_its_head(piped: Lines) -> None:
    assert piped(["name", "count"], []) == ["name  count"]


def test_a_table_without_a_head_is_its_rows(piped: Lines) -> None:
    assert piped(["name"], [["a"], [""], ["b"]], has_head=False) == ["a", "", "b"]


def test_no_value_is_shortened_in_a_pipe(piped: Lines) -> None:
    assert piped(["name", "n"], [["x" * 20_000, 1]])[1] == "x" * 20_000 + "  1"


def test_the_longest_values_lose_their_end_on_a_terminal(on_terminal: Lines) -> None:
    assert on_terminal(["id", "n", "name"], [["a1b2c3", 5, "x" * 60]]) == [
        "id      n  name",
        "─" * 30,
        "a1b2c3  5  " + "x" * 18 + "…",
    ]


def test_a_wrapped_value_is_whole_on_a_terminal(on_terminal: Lines) -> None:
    rows = [["a", "one two three four five six"], ["b", "x" * 30]]
    assert on_terminal(["id", "note"], rows, width=20, wrapped=["note"])[2:] == [
        "a   one two three",
        "    four five six",
        "b   " + "x" * 16,
        "    " + "x" * 14,
    ]


def test_names_are_shortened_last(on_terminal: Lines) -> None:
    rows = [["name" * 4, "x" * 30]]
    assert on_terminal(["id", "text"], rows, whole=["id"])[2] == "name" * 4 + "  " + "x" * 11 + "…"
    assert on_terminal(["id", "text"], rows, whole=["id"], width=15)[2].startswith("namename")


def test_where_columns_would_be_too_narrow_each_row_is_a_block(on_terminal: Lines) -> None:
    columns, row = ["id", "text", "size"], ["a1", "word " * 4 + "end", 1_234_567]
    assert on_terminal(columns, [row], width=22)[2] == "a1  word wor…  1234567"
    block = ["id    a1", "text  word word", "      word word", "      end", "size  1234567"]
    assert on_terminal(columns, [row, row], width=16) == [*block, "", *block]


def test_nothing_is_a_block_in_a_pipe(piped: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    assert piped(["a", "b", "c"], [["x" * 20] * 3])[1] == "  ".join(["x" * 20] * 3)


@pytest.mark.parametrize("width", [1, 5, 20, 79])
def test_no_line_is_longer_than_the_terminal(on_terminal: Lines, width: int) -> None:
    from rich.cells import cell_len

    rows = [["x" * 40, 1, "日本語" * 20], ["", None, "word " * 10]]
    assert max(map(cell_len, on_terminal(["name", "n", "text"], rows, width=width))) <= width


def test_wide_characters_take_two_columns(piped: Lines) -> None:
    assert piped(["name", "n"], [["日本", 1], ["😀", 2], ["ab", 3]]) == [
        "name  n",
        "日本  1",
        "😀    2",
        "ab    3",
    ]


def test_control_characters_are_escapes_and_markup_is_text(piped: Lines) -> None:
    hostile = "\x1b[2J\r\n\t\x9b\u202e[red]:smile:[/]"
    assert piped([hostile], [[hostile]]) == [r"\x1b[2J\r\n\t\x9b\u202e[red]:smile:[/]"] * 2


def test_secrets_are_hidden(piped: Lines) -> None:
    rows = [["postgresql://me:sesame99@host/db", "sesame99", {"password": "sesame99"}]]
    [_, line] = piped(["url", "api_key", "value"], rows)
    assert line.split() == ["postgresql://me:***@host/db", "***", "{'password':", "'***'}"]


def test_a_timestamp_is_in_utc(piped: Lines) -> None:
    when = datetime.fromisoformat("2026-01-15T01:30:00.5+02:00")
    assert piped(["at"], [[when], [datetime(2026, 1, 15, tzinfo=UTC)]])[1:] == [
        "2026-01-14 23:30:00.500000Z",
        "2026-01-15 00:00:00Z",
    ]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_encoding_lacks_is_an_escape(on_terminal: Lines, encoding: str) -> None:
    lines = on_terminal(["name", "n"], [["日本", 1], ["x" * 60, 2]], encoding=encoding)
    assert lines == [
        "name                         n",
        "-" * 30,
        r"\u65e5\u672c                 1",
        "x" * 26 + "~  2",
    ]


def test_only_the_names_of_columns_are_styled(monkeypatch: pytest.MonkeyPatch, on_terminal: Lines) -> None:
    plain = on_terminal(["name"], [["a"]])
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm-256color")
    styled = on_terminal(["name"], [["a"]])
    assert (styled[0], styled[1:]) == ("\x1b[1mname\x1b[0m", plain[1:])
