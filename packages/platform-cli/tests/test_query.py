"""``platform query`` on the database in memory: what is printed of any statement, and what is refused."""

import csv
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO, StringIO, TextIOWrapper
from itertools import product

import pytest

from platform_cli.commands._rows import PAGE_ROWS
from platform_cli.commands.query import TERMINAL_ROWS, _point_at

Result = tuple[int, str, str]
Query = Callable[..., Result]

VALUES = r"""
    SELECT 1 AS n, 12345678901234567890.10::numeric(30, 2) AS exact, 'a "b", c' || chr(10) AS text,
        '' AS empty, NULL AS nothing, true AS yes, '{"k": [1.50, null, "ü"]}'::jsonb AS json,
        timestamptz '2026-01-15 10:00:00.5+02' AS at, date '2026-01-15' AS day, '\xff\x00'::bytea AS bytes,
        interval '90 minutes' AS wait, '5e8a1f60-0000-4000-8000-000000000001'::uuid AS id,
        'NaN'::float8 AS nan, '-Infinity'::float8 AS low, 1e300::float8 AS high
"""


@pytest.fixture
def ask(platform: Callable[..., Result]) -> Query:
    """Runs a query on an empty database in memory."""
    return lambda *args: platform("query", "--db", "memory", *args)


def test_rows_are_a_table(ask: Query) -> None:
    assert ask("SELECT 1 AS n, 'one' AS name, NULL AS more UNION ALL SELECT 20, 'twenty', 'x'") == (
        0,
        " n  name    more\n 1  one     NULL\n20  twenty  x\n",
        "",
    )


def test_values_are_exact_in_json(ask: Query) -> None:
    code, out, _ = ask(VALUES, "--json")
    [row] = json.loads(out, parse_float=Decimal)
    assert code == 0
    assert row == {
        "n": 1,
        "exact": Decimal("12345678901234567890.10"),
        "text": 'a "b", c\n',
        "empty": "",
        "nothing": None,
        "yes": True,
        "json": {"k": [Decimal("1.5"), None, "ü"]},
        "at": "2026-01-15T08:00:00.500000+00:00",
        "day": "2026-01-15",
        "bytes": "\\xff00",
        "wait": "P0DT5400S",
        "id": "5e8a1f60-0000-4000-8000-000000000001",
        "nan": "NaN",
        "low": "-Infinity",
        "high": Decimal("1e+300"),
    }


def test_values_are_exact_in_csv(ask: Query) -> None:
    code, out, _ = ask(VALUES, "--csv")
    assert code == 0
    names, *rows = csv.reader(StringIO(out))
    assert " ".join(names) == "n exact text empty nothing yes json at day bytes wait id nan low high"
    assert rows == [
        [
            "1",
            "12345678901234567890.10",
            'a "b", c\n',
            "",
            "",
            "true",
            '{"k":[1.5,null,"ü"]}',
            "2026-01-15T08:00:00.500000+00:00",
            "2026-01-15",
            "\\xff00",
            "P0DT5400S",
            "5e8a1f60-0000-4000-8000-000000000001",
            "NaN",
            "-Infinity",
            "1e+300",
        ],
    ]
    assert ',"",,true,' in out  # an empty text is not NULL


def test_hostile_values_stay_values(ask: Query) -> None:
    hostile = "SELECT chr(27) || '[2J' || chr(13) || '\\.' AS \"a\nb\""
    assert ask(hostile)[1] == "a\\nb\n\\x1b[2J\\r\\.\n"
    assert json.loads(ask(hostile, "--json")[1]) == [{"a\nb": "\x1b[2J\r\\."}]
    assert ask(hostile, "--csv")[1] == '"a\nb"\n"\x1b[2J\r\\."\n'


def test_secrets_are_hidden_from_people_and_exact_for_programs(ask: Query) -> None:
    secret = "SELECT 'postgresql://me:sesame99@host/db' AS url, 'abc' AS password"
    assert ask(secret)[1].splitlines()[1].split() == ["postgresql://me:***@host/db", "***"]
    assert json.loads(ask(secret, "--json")[1]) == [
        {"url": "postgresql://me:sesame99@host/db", "password": "abc"}
    ]


@pytest.mark.parametrize(("form", "printed"), [("", "n  m\n"), ("--json", "[]\n"), ("--csv", "n,m\n")])
def test_no_rows_still_have_columns(ask: Query, form: str, printed: str) -> None:
    assert ask("SELECT 1 AS n, 2 AS m WHERE false", *form.split()) == (0, printed, "")


def test_columns_of_one_name_are_refused_where_they_are_keys(ask: Query) -> None:
    assert ask("SELECT 1 AS n, 2 AS n", "--csv") == (0, "n,n\n1,2\n", "")
    code, _, err = ask("SELECT 1 AS n, 2 AS n", "--json")
    assert code == 1
    assert err == "error: two columns of the result are named 'n': name one differently with AS\n"


@pytest.mark.parametrize(
    ("form", "count"), [*product(["", "--json", "--csv"], [PAGE_ROWS - 1, PAGE_ROWS, 2 * PAGE_ROWS + 1])]
)
def test_many_rows_are_printed_whole(ask: Query, form: str, count: int) -> None:
    code, out, err = ask(f"SELECT n FROM generate_series(1, {count}) AS numbers (n)", *form.split())
    rows = [row["n"] for row in json.loads(out)] if form == "--json" else map(int, out.split()[1:])
    assert (code, list(rows), err) == (0, list(range(1, count + 1)), "")


@pytest.mark.parametrize("form", ["", "--json", "--csv"])
def test_a_limit_says_that_there_are_more(ask: Query, form: str) -> None:
    rows = "SELECT n FROM generate_series(1, 3) AS numbers (n)"
    code, out, err = ask(rows, "--limit", "2", *form.split())
    assert (code, err) == (0, "2 rows shown, and there are more: --limit 0 shows all\n")
    assert "2" in out
    assert "3" not in out
    assert ask(rows, "--limit", "3", *form.split())[2] == ""


def test_a_terminal_is_shown_a_hundred_rows(ask: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, err = ask("SELECT n FROM generate_series(1, 101) AS numbers (n)")
    assert (code, len(out.splitlines())) == (0, TERMINAL_ROWS + 2)
    assert err == "100 rows shown, and there are more: --limit 0 shows all\n"
    assert ask("SELECT 1 AS n")[2] == "1 row\n"
    assert ask("SELECT n FROM generate_series(1, 101) AS numbers (n)", "--csv")[1].endswith("\n101\n")


def test_the_statement_is_read_from_standard_input(ask: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\ufeffSELECT 1 AS n -- one\r\n\r\nUNION ALL SELECT 2;\r\n"
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(text.encode())))
    assert ask("-", "--csv") == (0, "n\n1\n2\n", "")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "the SQL is empty"),
        (" \n", "the SQL is empty"),
        ("SELECT '\0'", "the SQL has a NUL character"),
        ("SELECT '\udcff'", "the SQL is not UTF-8"),
    ],
)
def test_what_is_not_sql_is_refused(ask: Query, sql: str, message: str) -> None:
    assert ask(sql) == (2, "", f"error: {message}\n")


def test_forms_exclude_each_other(ask: Query) -> None:
    code, _, err = ask("SELECT 1", "--json", "--csv")
    assert (code, err) == (2, "error: --json and --csv exclude each other\n")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1; SELECT 2", "there are several statements, of which none was run: give one at a time"),
        ("CREATE TABLE t (n INTEGER)", "only reading is allowed, and the statement returns no rows"),
        ("-- nothing", "only reading is allowed, and the statement returns no rows"),
        ("SELECT * FROM nothing", "Catalog Error: Table with name nothing does not exist!"),
    ],
)
def test_an_error_of_the_statement_is_one_line(ask: Query, sql: str, message: str) -> None:
    code, out, err = ask(sql)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"error: {message}")
    assert ("--write lets it change" in err) == ("only reading" in message)


@pytest.mark.parametrize(
    ("statement", "position", "shown"),
    [
        ("SELECT idd FROM t", 7, "SELECT idd FROM t\n       ^"),
        ("SELECT 1,\n\t'日本', idd\nFROM t", 17, "\\t'日本', idd\n          ^"),
        ("SELECT 1 FROM", 13, "SELECT 1 FROM\n             ^"),
        (f"SELECT {'a, ' * 20}b FROM t", 67, " a, a, a, a, a, a, b FROM t\n" + " " * 19 + "^"),
    ],
)
def test_a_caret_is_under_the_position_of_an_error(
    monkeypatch: pytest.MonkeyPatch, statement: str, position: int, shown: str
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    assert _point_at(statement, position) == shown


def test_a_statement_that_may_write_says_where_and_how_many_rows_it_changed(
    raw_platform: Callable[..., Result],
) -> None:
    code, out, err = raw_platform("query", "CREATE TABLE t (n INTEGER)", "--write", "--db", "memory")
    assert (code, out) == (0, "0 rows changed\n")
    assert " info  Run env=local db=memory" in err


def test_what_only_reads_logs_nothing(raw_platform: Callable[..., Result]) -> None:
    assert raw_platform("query", "SELECT 1 AS n", "--db", "memory") == (0, "n\n1\n", "")


def test_no_server_is_made_to_be_asked(platform: Callable[..., Result]) -> None:
    code, _, err = platform("query", "SELECT 1", "--db", "embedded")
    assert code == 2
    assert "there are no data of a server" in err
