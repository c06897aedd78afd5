"""``--debug``: the trace of a failure, whoever is to blame, with secrets hidden."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from platform_cli.failures import DeclinedError, is_expected
from platform_interfaces import PlatformError

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

RAISING = """
    async def run(ctx):
        raise RuntimeError("no answer from https://user:canary-77@example.org/")
"""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("rum", "unknown command 'rum'"),
        ("run hello --nope", "unknown option '--nope'"),
        ("run hello --env nowhere", "unknown env 'nowhere'"),
        ("run hello --fs nowhere", "unknown file system 'nowhere'"),
        ("run hello", "module 'hello' failed: RuntimeError"),
        ("migrate status --db postgres", "'DB_POSTGRES_URL' is not set"),
        ("migrate create it's --dir versions", "cannot name a migration"),
        ("rejects list --fs local", "does not exist: is the disk mounted?"),
    ],
)
def test_the_trace_of_any_failure_is_shown_on_request(
    platform: Platform, module: Module, words: str, error: str
) -> None:
    module(RAISING)
    code, _, err = platform(*words.split())
    assert "Traceback" not in err
    traced_code, out, traced = platform(*words.split(), "--debug")
    assert (traced_code, out) == (code, "")
    assert "Traceback (most recent call last)" in traced
    assert traced.endswith(err.splitlines()[-1] + "\n")
    assert error in err
    assert "canary" not in err + traced


def test_the_trace_of_a_module_leads_to_its_line(platform: Platform, module: Module) -> None:
    file = module(RAISING) / "main.py"
    assert f'File "{file}", line 3, in run' in platform("run", "hello", "--debug")[2]


def test_a_variable_asks_for_traces(
    platform: Platform, module: Module, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(RAISING)
    monkeypatch.setenv("PLATFORM_DEBUG", "true")
    assert "Traceback" in platform("run", "hello")[2]
    monkeypatch.setenv("PLATFORM_DEBUG", "maybe")
    code, _, err = platform("run", "hello")
    assert (code, "PLATFORM_DEBUG in the environment is 'maybe': use true or false" in err) == (2, True)


def test_a_trace_cannot_steer_the_terminal(platform: Platform, module: Module) -> None:
    module("async def run(ctx):\n    raise ValueError(chr(27) + '[2J')\n")
    assert "\x1b" not in platform("run", "hello", "--debug")[2]


def test_a_terminal_breaks_long_messages_between_words_and_names_the_option(
    platform: Platform, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module("async def run(ctx):\n    raise ValueError('a long story ' * 5)\n")
    monkeypatch.setenv("COLUMNS", "60")
    _, _, plain = platform("run", "hello")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    _, _, shown = platform("run", "hello")
    answer = shown[shown.index("error: module") :].splitlines()
    assert max(map(len, answer)) <= 60
    assert answer[-1].strip() == "--debug shows the trace"
    assert " ".join(" ".join(answer[:-1]).split()) == " ".join(plain.splitlines()[-1].split())
    assert "--debug" not in platform("run", "hello", "--debug")[2].splitlines()[-1]


@pytest.mark.parametrize(("log", "last"), [("pretty", "error: x"), ("json", "{")])
def test_nothing_but_json_follows_a_log_that_is_json(
    platform: Platform, module: Module, log: str, last: str
) -> None:
    module("from platform_interfaces import DataError\n\nasync def run(ctx):\n    raise DataError('x')\n")
    lines = platform("run", "hello", "--log", log)[2].splitlines()
    assert lines[-1].startswith(last)
    if log == "json":
        ending = json.loads(lines[-1])
        assert (ending["failure_kind"], ending["error"]) == ("database_error", "x")
    assert any(
        "Traceback" in line for line in platform("run", "hello", "--log", log, "--debug")[2].splitlines()
    )


def test_an_answer_of_the_user_is_not_worth_a_trace() -> None:
    assert is_expected(DeclinedError("nothing was removed"))
    assert not is_expected(PlatformError("x"))
