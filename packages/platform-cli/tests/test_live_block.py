"""Rows that are redrawn below what is written to a terminal."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

import pytest

from platform_cli.progress.live_block import LiveBlock, write_above

ROWS = "50%\n10 lines\n"
ERASE = "\r\x1b[2A\x1b[J"


class Terminal(StringIO):
    encoding, errors = "utf-8", "strict"

    def isatty(self) -> bool:
        return True


@contextmanager
def drawing(*, is_all_terminal: bool = False) -> Iterator[tuple[LiveBlock, Terminal, StringIO]]:
    """Write above a block on a terminal that standard error is, and standard output, too, where asked for."""
    terminal = Terminal()
    out = terminal if is_all_terminal else StringIO()
    block = LiveBlock(terminal, lambda: ROWS)
    with redirect_stderr(terminal), redirect_stdout(out):
        try:
            with write_above(block):
                yield block, terminal, out
        finally:
            assert (sys.stderr, sys.stdout) == (terminal, out)


def test_lines_are_written_above_the_rows_which_are_gone_in_the_end() -> None:
    with drawing() as (block, terminal, _):
        print("first", file=sys.stderr)
        block.refresh()
        sys.stderr.write("second\nthird\n")
        block.refresh()
    assert terminal.getvalue() == f"first\n{ROWS}{ERASE}second\nthird\n{ROWS}{ERASE}{ROWS}{ERASE}"


def test_a_line_without_its_end_waits_for_it() -> None:
    with drawing() as (block, terminal, _):
        sys.stderr.write("half")
        block.refresh()
        sys.stderr.write(" a line\nand")
    assert terminal.getvalue() == f"{ROWS}{ERASE}half a line\n{ROWS}{ERASE}and\n"


def test_standard_output_that_is_not_the_terminal_is_left_alone() -> None:
    with drawing() as (_, terminal, out):
        print("printed")
    assert (out.getvalue(), terminal.getvalue()) == ("printed\n", "")


def test_both_streams_of_one_terminal_keep_their_lines_apart() -> None:
    with drawing(is_all_terminal=True) as (_, terminal, _):
        sys.stdout.write("prin")
        sys.stderr.write("logged\n")
        print("ted")
    assert terminal.getvalue() == "logged\nprinted\n"


def test_threads_neither_mix_their_lines_nor_leave_rows() -> None:
    with drawing() as (block, terminal, _):

        def write(name: str) -> None:
            for _ in range(100):
                sys.stderr.write(f"{name * 50}\n")
                block.refresh()

        threads = [threading.Thread(target=write, args=name) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    shown = terminal.getvalue().replace(f"{ROWS}{ERASE}", "")
    assert sorted(shown.splitlines()) == [name * 50 for name in "abcd" for _ in range(100)]


def test_an_error_leaves_no_rows() -> None:
    with pytest.raises(KeyboardInterrupt), drawing() as (block, terminal, _):
        block.refresh()
        raise KeyboardInterrupt
    assert terminal.getvalue() == ROWS + ERASE


def test_a_terminal_that_is_gone_does_not_stop_the_end() -> None:
    with drawing() as (block, terminal, _):
        block.refresh()
        terminal.close()
