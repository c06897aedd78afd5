"""What a program gets of a failure: an object with ``--json``, and a line of a log that is JSON."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from platform_cli.commands import platform as root

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

DATE = ("--from=2026-01-01", "--to=2026-01-02")
TYPED = {
    "adapters": ["adapters"],
    "backfill hello": ["backfill", "hello", *DATE],
    "config": ["config"],
    "doctor": ["doctor"],
    "doctor hello": ["doctor", "hello"],
    "migrate status": ["migrate", "status"],
    "modules": ["modules"],
    "query": ["query", "SELECT 1"],
    "rejects list": ["rejects", "list"],
    "rejects retry hello": ["rejects", "retry", "hello"],
    "rejects show": ["rejects", "show", "raw"],
    "run hello": ["run", "hello"],
    "runs list": ["runs", "list"],
    "runs": ["runs"],
    "runs show": ["runs", "show", "3f"],
    "runs compare": ["runs", "compare", "3f", "81"],
}
ON_DATABASE = ["migrate status", "query", "runs show", "runs compare", "runs"]


@pytest.fixture
def hello(module: Module) -> None:
    """Install a module that can be backfilled and retried."""
    module(
        "async def run(ctx):\n    return 0\n\nasync def retry(ctx):\n    return 0\n",
        args=[{"name": "date", "type": "string"}],
    )


@pytest.mark.usefixtures("hello")
def test_the_table_has_each_command_that_has_the_option() -> None:
    assert {*_find_commands(root, click.Context(root), "")} == {*TYPED} - {"runs", "doctor"} | {"doctor"}


def _find_commands(group: click.Group, context: click.Context, path: str) -> Iterator[str]:
    """Yield the commands with ``--json`` as they are typed; of modules, that of ``hello`` alone."""
    for name in group.list_commands(context):
        command, words = group.get_command(context, name), f"{path} {name}".strip()
        assert command
        if any("--json" in param.opts for param in command.params) and not name.startswith("batch"):
            yield words
        if isinstance(command, click.Group):
            yield from _find_commands(command, click.Context(command, context, name), words)


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize("words", TYPED.values(), ids=TYPED)
@pytest.mark.parametrize("mistake", ["--nope", "--env=nowhere"])
def test_a_command_line_that_is_refused_is_one_object(
    raw_platform: Platform, words: list[str], mistake: str
) -> None:
    code, out, err = raw_platform(*words, "--json", mistake)
    found = json.loads(out)
    assert (code, found["exit_code"], found["failure_kind"]) == (2, 2, "configuration")
    assert found["version"] == 1
    assert [f"error: {line}" for line in found["error"].splitlines()] == err.splitlines()


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("name", ON_DATABASE)
def test_a_command_that_fails_is_one_object(raw_platform: Platform, name: str) -> None:
    words = [*TYPED[name], "--json", "--db=unreachable", "--detailed-exit-codes"]
    code, out, _ = raw_platform(*words)
    assert json.loads(out) == {
        "version": 1,
        "exit_code": code,
        "failure_kind": "database_unreachable",
        "error": "no answer",
    }
    assert code == 20


def test_without_the_option_nothing_is_printed(raw_platform: Platform) -> None:
    assert raw_platform("runs", "--nope")[1] == ""


@pytest.mark.usefixtures("lasting")
def test_rows_that_were_printed_are_followed_by_no_object(raw_platform: Platform) -> None:
    code, out, _ = raw_platform(
        "query", "SELECT 1 / (299999 - n) AS x FROM generate_series(0, 299999) AS t(n)", "--json"
    )
    assert (code, "exit_code" in out) == (1, False)


@pytest.fixture
def log_line(raw_platform: Platform) -> Callable[..., dict[str, Any]]:
    """Runs a command line that fails, and returns the one line of its log."""

    def log_line(*words: str) -> dict[str, Any]:
        code, out, err = raw_platform(*words)
        [line] = err.splitlines()
        found: dict[str, Any] = json.loads(line)
        assert (out, found["level"], found["exit_code"]) == ("", "error", code)
        assert found.pop("timestamp").endswith("Z")
        return found

    return log_line


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize(
    "words",
    [
        "run hello --nope --log json",
        "run hello --env nowhere --log=json",
        "rum --log json",
        "runs show --log json",
        "backfill hello --log json --parallel 0",
    ],
)
def test_what_is_refused_is_a_line_of_a_log_that_is_json(
    log_line: Callable[..., dict[str, Any]], words: str
) -> None:
    found = log_line(*words.split())
    assert (found["event"], found["failure_kind"]) == ("Command failed", "configuration")
    assert found["error"]


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize("origin", ["environment", "file"])
def test_settings_choose_that_log_too(
    log_line: Callable[..., dict[str, Any]], project: Path, monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    if origin == "environment":
        monkeypatch.setenv("PLATFORM_LOG", "json")
    else:
        (project / ".env" / "local.env").write_text("PLATFORM_LOG=json\n")
    assert log_line("run", "hello", "--nope")["error"].startswith("unknown option '--nope'")


def test_the_line_has_the_trace_where_that_is_asked_for(log_line: Callable[..., dict[str, Any]]) -> None:
    found = log_line("run", "nowhere", "--log", "json", "--debug")
    assert found["traceback"].startswith("Traceback (most recent call last)")
