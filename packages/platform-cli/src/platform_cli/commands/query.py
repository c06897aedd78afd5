"""``platform query``: the rows of one SQL statement."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from platform_cli.commands._base import PlatformCommand, say

if TYPE_CHECKING:
    from platform_cli.commands._rows import Printer
    from platform_cli.container import Container
    from platform_interfaces import DatabaseError, DatabaseInterface, PlatformError, QueryResult

TERMINAL_ROWS = 100
"""How many rows a terminal is shown unless ``--limit`` says otherwise."""

# Whoever waits for an answer has Ctrl-C.
_DEFAULTS = {"DB_POSTGRES_STATEMENT_TIMEOUT": "0"}


@click.command(
    cls=PlatformCommand,
    examples=[
        'platform query "SELECT count(*) FROM cleaned_events" --env demo',
        'platform query "TABLE cleaned_events" --env demo --csv',
    ],
)
@click.argument("sql", metavar="SQL")
@click.option("--json", "is_json", is_flag=True, help="Print an array of objects, with exact values.")
@click.option("--csv", "is_csv", is_flag=True, help="Print CSV with a header, with exact values.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"Show so many rows; 0 for all. [default: {TERMINAL_ROWS} in a table on a terminal, else all]",
)
@click.option("--write", "may_write", is_flag=True, help="Let the statement change the database.")
def query(sql: str, is_json: bool, is_csv: bool, limit: int | None, may_write: bool) -> int:
    """Show the rows of one SQL statement.

    It is read from standard input where SQL is `-`. The database itself refuses every change of its data,
    unless there is --write.
    """
    if is_json and is_csv:
        raise click.UsageError("--json and --csv exclude each other")
    statement = _read_statement(sql)

    from platform_cli.commands._rows import print_csv, print_json, print_rows
    from platform_cli.commands._table import is_terminal
    from platform_cli.run.runner import run_job

    printer: Printer = print_json if is_json else print_csv if is_csv else print_rows
    if limit is None:
        limit = TERMINAL_ROWS if printer is print_rows and is_terminal() else 0

    async def job(container: "Container") -> int:
        open_ = container.open_database if may_write else container.open_existing_database
        database = await open_(_DEFAULTS)
        await _answer(database, statement, printer, limit, may_write=may_write)
        return 0

    return run_job(job, click.get_current_context().obj)


def _read_statement(sql: str) -> str:
    try:
        data = (sys.stdin.buffer.read() if sys.stdin else b"") if sql == "-" else sql.encode()
        statement = data.decode("utf-8-sig").strip()
    except UnicodeError as error:
        raise click.UsageError("the SQL is not UTF-8") from error
    if not statement or "\0" in statement:
        raise click.UsageError("the SQL is empty" if not statement else "the SQL has a NUL character")
    return statement


async def _answer(
    database: "DatabaseInterface", statement: str, printer: "Printer", limit: int, *, may_write: bool
) -> None:
    from platform_cli.failures import OutputClosedError
    from platform_interfaces import DatabaseError

    closed: OutputClosedError | None = None
    try:
        async with database.open_query(statement, is_read_only=not may_write) as result:
            try:
                await _print(result, printer, limit)
            except OutputClosedError as error:
                if not may_write:
                    raise
                closed = error  # the change was asked for, and is made
            if may_write:
                async for _ in result.rows:
                    pass
    except DatabaseError as error:
        raise _explain(error, statement) from error
    if closed:
        raise closed


async def _print(result: "QueryResult", printer: "Printer", limit: int) -> None:
    from platform_cli.commands._rows import Pages, print_rows
    from platform_cli.commands._table import is_terminal

    if not result.columns:
        say(_count(result.changed, "changed"))
        return
    pages = Pages(result.rows, limit)
    await printer(result.columns, pages)
    if pages.has_more:
        _notify(f"{_count(pages.count)} shown, and there are more: --limit 0 shows all")
    elif printer is print_rows and is_terminal():
        _notify(_count(pages.count))


def _point_at(statement: str, position: int) -> str:
    """Return the line of the statement, or the part of it that fits, and a caret under the position."""
    from shutil import get_terminal_size

    from rich.cells import cell_len

    from platform_cli._text import printable

    width = get_terminal_size().columns - 1
    first = max(statement.rfind("\n", 0, position) + 1, position - width * 2 // 3)
    before = printable(statement[first:position])
    after = printable(statement[position:].partition("\n")[0])
    return f"{before}{after}"[:width] + "\n" + " " * cell_len(before) + "^"


def _count(rows: int, suffix: str = "") -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'} {suffix}".strip()


def _notify(text: str) -> None:
    with suppress(OSError):  # the rows are what was asked for
        click.echo(text, err=True)


def _explain(error: "DatabaseError", statement: str) -> "PlatformError":
    from platform_cli.failures import StatementFailedError
    from platform_interfaces import ReadOnlyError

    where = ""
    if error.position is not None:
        before = statement[: error.position]
        where = f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}: "
        if sys.stderr and sys.stderr.isatty():
            _notify(_point_at(statement, error.position))
    remedy = ": --write lets it change the database" if isinstance(error, ReadOnlyError) else ""
    return StatementFailedError(f"{where}{error}{remedy}", error.kind)
