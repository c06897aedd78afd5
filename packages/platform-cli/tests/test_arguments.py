import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

PRINT_CONFIG = """
    import json


    async def run(ctx):
        print(json.dumps(dict(ctx.config)))
        return 0
"""


@pytest.fixture
def run(module: Module, platform: Platform) -> Callable[..., tuple[int, Any, list[str]]]:
    """Runs a module of these arguments: its exit code, its configuration, and the lines of standard error."""

    def run(args: list[dict[str, Any]], *words: str) -> tuple[int, Any, list[str]]:
        module(PRINT_CONFIG, args=args)
        code, out, err = platform("run", "hello", *words)
        return code, json.loads(out) if out else None, err.splitlines()

    return run


Run = Callable[..., tuple[int, Any, list[str]]]

BIG = "-" + "9" * 400


@pytest.mark.parametrize(
    ("argument", "words", "value"),
    [
        ({"type": "string"}, ["--the-name", "text"], "text"),
        ({"type": "string"}, ["--the-name="], ""),
        ({"type": "string"}, ["--the-name", " --db "], " --db "),
        ({"type": "string"}, ["--the-name", "-1"], "-1"),
        ({"type": "string", "default": "d"}, [], "d"),
        ({"type": "string"}, [], None),
        ({"type": "integer"}, ["--the-name", BIG], int(BIG)),
        ({"type": "integer"}, ["--the-name=+007"], 7),
        ({"type": "integer", "default": 0}, [], 0),
        ({"type": "float"}, ["--the-name", "-.5e-3"], -0.0005),
        ({"type": "float"}, ["--the-name", "3"], 3.0),
        ({"type": "float", "default": 2}, [], 2),
        ({"type": "boolean"}, [], False),
        ({"type": "boolean"}, ["--the-name"], True),
        ({"type": "boolean", "default": True}, [], True),
        ({"type": "boolean", "default": True}, ["--no-the-name"], False),
        ({"type": "boolean", "required": True}, ["--no-the-name"], False),
        ({"type": "integer", "choices": [1, 2]}, ["--the-name", "02"], 2),
        ({"type": "string", "choices": ["a", "b"], "default": "b"}, [], "b"),
    ],
)
def test_a_value_reaches_the_module_typed_and_under_the_name_of_its_manifest(
    run: Run, argument: dict[str, Any], words: list[str], value: object
) -> None:
    code, config, err = run([{"name": "the-name", **argument}], *words)
    assert (code, config, err) == (0, {"the-name": value}, [])
    assert type(config["the-name"]) is type(value)


@pytest.mark.parametrize(
    ("argument", "words", "problem"),
    [
        ({"type": "integer"}, ["--name", "1.0"], "invalid value for '--name': '1.0' is not an integer"),
        ({"type": "integer"}, ["--name", "1_0"], "invalid value for '--name': '1_0' is not an integer"),
        ({"type": "integer"}, ["--name", "٣"], "invalid value for '--name': '٣' is not an integer"),
        ({"type": "float"}, ["--name", "nan"], "invalid value for '--name': 'nan' is not a float"),
        ({"type": "float"}, ["--name", "-inf"], "invalid value for '--name': '-inf' is not a float"),
        ({"type": "float"}, ["--name", "1e999"], "invalid value for '--name': '1e999' is not a float"),
        ({"type": "string"}, ["--name", "\udcff"], "invalid value for '--name': '\\udcff' is not a string"),
        (
            {"type": "string", "choices": ["daily", "weekly"]},
            ["--name", "dayly"],
            "invalid value for '--name': 'dayly' is not one of daily, weekly (did you mean 'daily'?)",
        ),
        (
            {"type": "integer", "required": True},
            [],
            "missing option '--name': give it, such as '--name 1'",
        ),
        (
            {"type": "boolean", "required": True},
            [],
            "missing option '--name': give it, such as '--name'",
        ),
        ({"type": "string"}, ["--name"], "option '--name' needs a value"),
        ({"type": "string", "required": True}, ["--name"], "option '--name' needs a value"),
        ({"type": "boolean"}, ["--name=yes"], "option '--name' does not take a value"),
        ({"type": "string"}, ["--nmae", "x"], "unknown option '--nmae' (did you mean '--name'?)"),
        ({"type": "string"}, ["word"], "unexpected argument 'word': see 'platform run hello -h'"),
    ],
)
def test_an_invalid_value_is_refused(
    run: Run, argument: dict[str, Any], words: list[str], problem: str
) -> None:
    assert run([{"name": "name", **argument}], *words) == (2, None, [f"error: {problem}"])


def test_all_problems_of_a_command_line_are_reported_at_once(run: Run) -> None:
    args = [
        {"name": "whom", "type": "string", "required": True},
        {"name": "times", "type": "integer"},
        {"name": "loud", "type": "boolean"},
    ]
    code, _, lines = run(
        args, "--times", "x", "--loud=1", "--db", "nothing", "--env", "demo", "--tmes", "3", "word", "--log"
    )
    assert code == 2
    assert [line.partition(" (did")[0].partition(": there")[0] for line in lines] == [
        "error: option '--loud' does not take a value",
        "error: unknown option '--tmes'",
        "error: option '--log' needs a value",
        "error: invalid value for '--times': 'x' is not an integer",
        "error: missing option '--whom': give it, such as '--whom WHOM'",
        "error: unexpected argument 'word': see 'platform run hello -h'",
        "error: unknown database 'nothing'" + lines[6].removeprefix("error: unknown database 'nothing'"),
        "error: unknown env 'demo'",
    ]


def test_a_control_character_of_a_value_does_not_reach_the_terminal(run: Run) -> None:
    _, _, [line] = run([{"name": "name", "type": "integer"}], "--name", "\x1b[2J\n")
    assert line == r"error: invalid value for '--name': '\x1b[2J\n' is not an integer"


def test_help_shows_each_argument_with_type_default_and_choices(module: Module, platform: Platform) -> None:
    module(
        args=[
            {"name": "whom", "description": "Who is greeted.", "type": "string", "required": True},
            {"name": "times", "type": "integer", "default": 500},
            {"name": "style", "type": "string", "choices": ["plain", "loud"]},
            {"name": "dry-run", "type": "boolean", "default": False},
        ]
    )
    code, out, err = platform("run", "hello", "--help")
    text = " ".join(out.split())
    assert (code, err) == (0, "")
    for part in (
        "Greets a person.",
        "--whom STRING Who is greeted. [required]",
        "--times INTEGER [default: 500]",
        "--style [plain|loud]",
        "--dry-run / --no-dry-run [default: no-dry-run]",
        "--db NAME Database to run on. [default: embedded; PLATFORM_DB]",
    ):
        assert part in text
