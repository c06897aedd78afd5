"""``platform runs``: what is listed, shown, compared and taken back."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from platform_cli.commands._runs_list import print_runs

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

pytestmark = pytest.mark.usefixtures("lasting")

ARGS = [
    {"name": "date", "type": "string", "required": True},
    {"name": "size", "type": "integer", "default": 5},
    {"name": "ending", "type": "integer", "default": 0},
]
# Its table has the id of the run in each row.
MAIN = """
    from platform_interfaces import Undo


    async def run(ctx):
        await ctx.db.execute("CREATE TABLE IF NOT EXISTS greetings (run TEXT, n INTEGER)")
        rows = [{"run": ctx.run.id, "n": n} for n in range(ctx.config["size"])]
        ctx.run.figures["inserted"] = await ctx.db.bulk_insert("greetings", rows)
        return ctx.config["ending"]


    async def undo(ctx):
        async def remove():
            return await ctx.db.execute("DELETE FROM greetings WHERE run = $1", [ctx.run.id])

        found = await ctx.db.fetch_one("SELECT count(*) AS n FROM greetings WHERE run = $1", [ctx.run.id])
        assert ctx.config["date"] == "2026-01-15"
        return Undo(found["n"], ctx.run.figures["inserted"], remove, lock="greetings")
"""


@pytest.fixture(autouse=True)
def hello(module: Module) -> None:
    module(MAIN, dependencies={"interfaces": ["database", "logging"]}, args=ARGS)


def run(platform: Platform, *words: str) -> str:
    """Run the module, and return the id."""
    platform("run", "hello", "--date", "2026-01-15", *words)
    return str(json.loads(platform("runs", "--json")[1])["runs"][0]["id"])


def rewrite(site: Path, main: str) -> None:
    """Give the module another ``main.py``."""
    (site / "hello_job" / "main.py").write_text(main)
    sys.modules.pop("hello_job.main", None)


def show(platform: Platform, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(platform("runs", "show", run_id, "--json")[1])["run"]
    return found


def statuses(platform: Platform, *words: str) -> list[str]:
    code, out, err = platform("runs", "--json", *words)
    assert code == 0, err
    return [each["status"] for each in json.loads(out)["runs"]]


@pytest.mark.parametrize("words", [(), ("list",), ("--limit", "1"), ("list", "--db", "missing")])
def test_before_any_run_the_list_says_what_to_type(platform: Platform, words: tuple[str, ...]) -> None:
    code, out, err = platform("runs", *words)
    assert (code, out[:68], err) == (
        0,
        "no run is recorded yet: start one with 'platform run MODULE --db mis"[:68]
        if "missing" in words
        else "no run is recorded yet: start one with 'platform run MODULE'\n",
        "",
    )


def test_an_empty_list_is_json_too(platform: Platform) -> None:
    assert json.loads(platform("runs", "--json")[1]) == {"version": 1, "runs": []}


def test_the_list_has_a_line_for_each_run(platform: Platform) -> None:
    first, second = run(platform), run(platform, "--size", "7", "--ending", "1")
    code, out, _ = platform("runs")
    head, newest, oldest = out.splitlines()
    assert (code, head.split()) == (0, ["run", "started", "(UTC)", "module", "status", "took", "arguments"])
    assert newest.startswith(second[:8])
    assert newest.endswith("s  2026-01-15 7 1")
    assert "  hello   failed: module_error  " in newest
    assert oldest.startswith(first[:8])
    assert oldest.endswith("s  2026-01-15")


def test_the_list_is_of_those_that_are_asked_for(platform: Platform) -> None:
    run(platform)
    run(platform, "--ending", "1")
    now = datetime.now(UTC)
    assert statuses(platform) == ["failed", "succeeded"]
    assert statuses(platform, "--failed") == ["failed"]
    assert statuses(platform, "--limit", "1") == ["failed"]
    assert statuses(platform, "--module", "hello") == ["failed", "succeeded"]
    assert statuses(platform, "--module", "other") == []
    assert statuses(platform, "--since", "1h") == ["failed", "succeeded"]
    assert statuses(platform, "--since", (now + timedelta(hours=1)).isoformat()) == []
    assert statuses(platform, "--since", now.date().isoformat()) == ["failed", "succeeded"]
    assert platform("runs", "--module", "other")[1] == (
        "no such run is recorded: 'platform runs' lists the last ones\n"
    )


@pytest.mark.parametrize("text", ["yesterday", "7y", "d", "2026-13-01", "9999999w", "0001-01-01T00:00+14:00"])
def test_a_time_that_is_none_is_refused(platform: Platform, text: str) -> None:
    code, _, err = platform("runs", "--since", text)
    assert (code, f"{text!r} is not a time: give 30m, 12h, 7d or 2w, or a date" in err) == (2, True)


def test_a_mistyped_command_is_named(platform: Platform) -> None:
    code, _, err = platform("runs", "shwo")
    assert (code, "unknown command 'shwo'" in err) == (2, True)


def test_the_help_after_options_of_the_list_is_that_of_the_list(platform: Platform) -> None:
    code, out, err = platform("runs", "--since", "7d", "--help")
    assert (code, err) == (0, "")
    assert out.startswith("Usage: platform runs list ")


def test_global_options_before_the_command_are_kept(platform: Platform) -> None:
    run(platform)
    assert statuses(platform, "--env", "test") == ["succeeded"]
    assert platform("runs", "--env", "test", "list", "--limit", "1")[0] == 0


def test_all_of_a_run_is_shown_with_the_next_command(platform: Platform) -> None:
    run_id = run(platform, "--ending", "1")
    code, out, _ = platform("runs", "show", run_id[:5].upper())
    lines = out.splitlines()
    assert (code, lines[0].split()) == (0, ["run", run_id])
    assert lines[-1] == "Run it again: platform run hello --date 2026-01-15 --ending 1"
    for text in ("status       failed: module_error", "figures      inserted 5"):
        assert text in lines
    assert (
        platform("runs", "show", run(platform))[1]
        .splitlines()[-1]
        .startswith("Take it back: platform runs undo ")
    )


@pytest.mark.parametrize("command", ["show", "undo --yes"])
@pytest.mark.parametrize("prefix", ["zz", "%", "", "0" * 40])
def test_an_id_that_no_run_has_is_refused(platform: Platform, command: str, prefix: str) -> None:
    run(platform)
    code, _, err = platform("runs", *command.split(), prefix)
    assert (code, f"no run with an id that begins with {prefix!r} is recorded" in err) == (1, True)


def test_an_id_that_several_runs_have_names_them(platform: Platform) -> None:
    ids = [run(platform) for _ in range(17)]  # of which two begin with the same digit
    [digit, *_] = [each[0] for each in ids if sum(other[0] == each[0] for other in ids) > 1]
    code, _, err = platform("runs", "show", digit)
    assert (code, f"several runs have an id that begins with {digit!r}: {digit}" in err) == (1, True)


def test_a_status_of_a_later_version_is_named(platform: Platform) -> None:
    run_id = run(platform)
    platform("query", "--write", "UPDATE _runs SET status = 'paused'")
    for words in (("runs",), ("runs", "show", run_id)):
        code, _, err = platform(*words)
        assert (code, f"run {run_id} has the status 'paused', which this version" in err) == (1, True)


def test_two_runs_are_compared_field_by_field(platform: Platform) -> None:
    ids = [run(platform), run(platform, "--size", "7")]
    out = platform("runs", "compare", *ids, "--all")[1].splitlines()
    assert out[0].split() == [ids[0][:8], ids[1][:8], "difference"]
    assert ["figures.inserted", "5", "7", "+2", "(+40.0%)"] in [line.split() for line in out]
    assert ["status", "succeeded", "succeeded"] in [line.split() for line in out]
    differences = json.loads(platform("runs", "compare", *ids, "--json")[1])["differences"]
    assert differences.pop("seconds")
    assert differences == {"arguments.size": [5, 7], "figures.inserted": [5, 7]}


def test_an_undo_removes_the_rows_of_one_run_and_marks_it(platform: Platform) -> None:
    ids, words = [run(platform), run(platform, "--size", "1234")], "--date 2026-01-15 --size 1234"
    code, out, _ = platform("runs", "undo", ids[1][:12], "--yes")
    assert (code, out.splitlines()) == (
        0,
        [
            f"run {ids[1][:8]} of hello ({words}) inserted 1,234 rows; all of them are in the table",
            f"removed 1,234 rows; to load them again: platform run hello {words}",
        ],
    )
    undone = show(platform, ids[1])
    assert (undone["status"], undone["undone"]["rows"], undone["exit_code"]) == ("undone", 1234, 0)
    assert statuses(platform) == ["undone", "succeeded"]
    code, _, err = platform("runs", "undo", ids[1], "--yes")
    assert (code, f"run {ids[1]} is undone already: " in err, "removed 1234 rows at 2" in err) == (
        1,
        True,
        True,
    )


def test_the_undo_of_a_retry_says_what_it_loses_and_what_loads_the_lines_again(
    platform: Platform, site: Path
) -> None:
    rewrite(site, f"{dedent(MAIN)}\n\nretry = run\n")
    platform("rejects", "retry", "hello", "--date", "2026-01-15")
    run_id = json.loads(platform("runs", "--json")[1])["runs"][0]["id"]
    _, out, _ = platform("runs", "undo", run_id, "--dry-run")
    assert "hello (retry)" in out
    assert "an undo loses what was corrected there" in out
    again = "again: platform run hello --date 2026-01-15\n"
    assert platform("runs", "undo", run_id, "--yes")[1].endswith(f"removed 5 rows; to load them {again}")
    assert platform("runs", "show", run_id)[1].endswith(f"\nLoad it {again}")


def test_a_dry_run_of_an_undo_changes_nothing(platform: Platform) -> None:
    run_id = run(platform)
    code, out, _ = platform("runs", "undo", run_id, "--dry-run")
    assert (code, "inserted 5 rows; all of them are in the table" in out) == (0, True)
    assert show(platform, run_id)["status"] == "succeeded"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "an undo removes rows, and there is no terminal to ask on: add --yes, or --dry-run"),
        (("--env", "production"), "an undo in env 'production' removes rows: add --yes, or --dry-run"),
    ],
)
def test_an_undo_is_confirmed(platform: Platform, words: tuple[str, ...], message: str) -> None:
    code, _, err = platform("runs", "undo", run(platform), *words)
    assert (code, message in err) == (2, True)


def test_what_fails_leaves_rows_and_mark(platform: Platform, site: Path) -> None:
    run_id = run(platform)
    deletes = 'return await ctx.db.execute("DELETE FROM greetings WHERE run = $1", [ctx.run.id])'
    rewrite(site, dedent(MAIN).replace(deletes, f"{deletes[7:]}; raise RuntimeError('no')"))
    code, _, err = platform("runs", "undo", run_id, "--yes")
    assert (code, "RuntimeError: no" in err) == (1, True)
    assert "all of them" in platform("runs", "undo", run_id, "--dry-run")[1]


@pytest.mark.parametrize(
    ("main", "message"),
    [
        (
            "async def run(ctx):\n    return 0\n",
            "module 'hello' cannot undo a run: its main.py has no 'async def undo(ctx)'",
        ),
        (
            "async def undo(ctx):\n    return 3\n",
            "'undo' of module 'hello' returned a int: it must return an Undo",
        ),
        ("undo = 3\n", "'undo' of module 'hello' is not a function"),
    ],
)
def test_a_module_that_offers_no_undo_is_named(
    platform: Platform, site: Path, main: str, message: str
) -> None:
    run_id = run(platform)
    rewrite(site, main)
    code, _, err = platform("runs", "undo", run_id, "--yes")
    assert (code in (1, 2), message in err) == (True, True)


def test_a_comparison_shows_what_differs_and_all_on_demand(platform: Platform) -> None:
    ids = [run(platform), run(platform, "--size", "7")]
    names = [
        {line.split()[0] for line in platform("runs", "compare", *ids, *words)[1].splitlines()[1:]}
        for words in ((), ("--all",))
    ]
    assert ("arguments.size" in names[0], "module" in names[0]) == (True, False)
    assert {"arguments.size", "module", "status"} <= names[1]


def test_the_undo_of_a_run_without_rows_asks_nothing(platform: Platform) -> None:
    run_id = run(platform, "--size", "0")
    code, out, _ = platform("runs", "undo", run_id)
    assert (code, out.endswith("has no rows in the table: there is nothing to remove\n")) == (0, True)
    assert platform("runs", "show", run_id)[1].endswith("there is nothing to take back.\n")


@pytest.mark.parametrize(("width", "columns"), [(80, 6), (60, 4), (40, 3)])
def test_a_narrow_terminal_shows_fewer_columns_and_cuts_no_id_time_or_kind(
    make_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: Any, width: int, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("platform_cli.commands._runs_list.is_terminal", lambda: True)
    monkeypatch.setattr("platform_cli.commands._table.is_terminal", lambda: True)
    failed = {"status": "failed", "failure_kind": "too_many_rejected"}
    found = [make_run("2026-01-15", **failed), make_run("2026-01-16")]
    print_runs(found)
    head, _, row, _ = capsys.readouterr().out.splitlines()
    assert len(row) <= width
    assert "too_many_rejected" in row
    assert found[0].short_id in row
    assert f"{found[0].started_at:%m-%d %H:%M}" in row
    assert len(head.replace("start (UTC)", "start").split()) == columns
