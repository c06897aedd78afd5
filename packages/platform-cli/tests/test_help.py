"""The help of each command: `-h`, examples that work, and lines that fit."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from platform_cli.commands import COMMANDS
from platform_cli.commands import platform as root

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

MANIFEST = Path(__file__).parents[3] / "modules/batch_etl/src/batch_etl/module.json"

ARGS = [
    {"name": "date", "type": "string", "required": True, "example": "2026-01-15", "description": "A day."},
    {"name": "whom", "type": "string", "required": True, "description": "Who is greeted."},
    {
        "name": "style",
        "type": "string",
        "required": True,
        "choices": ["plain", "loud"],
        "description": "How.",
    },
    {"name": "times", "type": "integer", "default": 1, "description": "How often."},
    {"name": "loud", "type": "boolean", "example": True, "description": "Aloud."},
]


@pytest.fixture(autouse=True)
def hello(module: Module) -> None:
    module(args=ARGS)


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each command with its path, groups included."""
    yield path, group
    context = click.Context(group, info_name=" ".join(["platform", *path]))
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


def test_the_list_of_commands_has_the_whole_first_sentence_of_each_help(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in ("40", "80"):
        monkeypatch.setenv("COLUMNS", width)
        for path, command in commands(root):
            if isinstance(command, click.Group):
                out = platform(*path, "-h")[1]
                assert "..." not in out.partition("ommands:")[2].partition("ptions:")[0], path


def test_the_list_of_modules_has_the_first_sentence_of_each_description(
    platform: Platform, install: Install
) -> None:
    text = '{"description": "Loads the orders of one day, and nothing else. More is in its page."}'
    manifest = json.loads(MANIFEST.read_text()) | json.loads(text) | {"name": "orders"}
    install("orders_job", {"platform.modules": {"orders": "orders_job"}}, module_json=json.dumps(manifest))
    out = platform("run", "-h")[1]
    assert "Loads the orders of one day, and nothing else.\n" in out
    assert "More is in its page" not in out


def test_every_command_refuses_an_option_that_it_does_not_have(platform: Platform) -> None:
    for path, command in commands(root):
        for words in (["--foo"], ["--foo=1"], ["-z"], ["--jsno", "x"], ["x", "--foo"]):
            if isinstance(command, click.Group) and words[0] == "x":
                continue
            code, out, err = platform(*path, *words)
            name = next(word for word in words if word != "x").partition("=")[0]
            assert (code, out) == (2, ""), (path, words)
            assert f"unknown option {name!r}" in err, (path, words)


def test_an_unknown_option_names_the_nearest_and_its_value_is_not_an_argument(platform: Platform) -> None:
    code, _, err = platform("rejects", "show", "--lmit", "3", "raw")
    assert (code, err.count("error: ")) == (2, 1)
    assert "did you mean '--json'" in platform("query", "SELECT 1", "--jsno")[2]


def test_behind_two_dashes_a_value_begins_with_a_dash(platform: Platform) -> None:
    _, _, err = platform("rejects", "show", "--fs", "memory", "--", "--foo")
    assert "nothing is rejected below '--foo'" in err
    assert "unexpected argument '--bar'" in platform("rejects", "show", "--", "--foo", "--bar")[2]


def test_each_command_and_each_option_says_what_it_does() -> None:
    for path, command in commands(root):
        assert command.help, path
        for param in command.params:
            assert isinstance(param, click.Argument) or param.help, (path, param.name)


def test_the_help_of_the_root_says_of_each_command_what_its_own_help_says() -> None:
    context = click.Context(root)
    for name, help_ in COMMANDS.items():
        command = root.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(limit=1000) == help_


def test_each_command_has_examples_which_the_command_line_accepts(
    platform: Platform, install: Install, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    install("batch_etl", {"platform.modules": {"batch_etl": "batch_etl"}}, module_json=MANIFEST.read_text())
    for env in ("demo", "staging"):
        (project / f".env/{env}.env").touch()
    called: list[str] = []
    monkeypatch.setattr(click.Command, "invoke", lambda _, ctx: called.append(ctx.command_path))
    for path, command in commands(root):
        assert command.examples, path
        for example in command.examples:
            program, *words = shlex.split(example)
            assert (program, words[: len(path)]) == ("platform", list(path)), example
            called.clear()
            code, out, err = platform(*words)
            assert (code, err) == (0, ""), example
            assert "Usage: " in out or called[-1].startswith(" ".join(["platform", *path]))


def test_the_examples_of_a_module_are_made_from_its_arguments(platform: Platform) -> None:
    assert platform("run", "hello", "-h")[1].endswith(
        """\

Example:
  platform run hello --date 2026-01-15 --whom WHOM --style plain --loud
"""
    )
    assert platform("rejects", "retry", "hello", "-h")[1].endswith("--style plain \\\n    --loud\n")


def test_an_example_is_a_value_of_its_argument(platform: Platform, site: Path) -> None:
    file = site / "hello_job/module.json"
    file.write_text(file.read_text().replace('"example": true', '"example": "yes"'))
    code, _, err = platform("run", "hello")
    assert (code, err) == (2, f"error: {file}: args[4].example: 'yes' is not of type boolean\n")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_each_help_fits(platform: Platform, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for path, _ in commands(root):
        code, out, _ = platform(*path, "-h")
        assert code == 0
        assert max(map(len, out.splitlines())) <= columns, path
