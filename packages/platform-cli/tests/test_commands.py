from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from platform_cli.commands import COMMANDS
from platform_cli.commands import platform as root

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

PRINT_CHOICES = """
    async def run(ctx):
        print(type(ctx.fs).__name__, type(ctx.log).__name__, ctx.config["whom"])
        return 0
"""
WHOM = {"name": "whom", "type": "string", "required": True}


@pytest.fixture
def hello(module: Module) -> None:
    module(PRINT_CHOICES, dependencies={"interfaces": ["filesystem", "logging"]}, args=[WHOM])


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize(
    "words",
    [
        "--fs memory --log json run hello --whom Ada",
        "run --fs memory --log json hello --whom Ada",
        "run hello --fs memory --whom Ada --log json",
        "--fs memory run --log json hello --whom Ada",
        "run hello --fs=memory --log=json --whom=Ada",
    ],
)
def test_global_flags_are_accepted_anywhere(platform: Platform, words: str) -> None:
    assert platform(*words.split()) == (0, "MemoryFileSystem JsonLogger Ada\n", "")


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("rum", f"unknown command 'rum': known are {', '.join(COMMANDS)} (did you mean 'run'?)"),
        (
            "migrate upp",
            "unknown command 'upp': known are create, down, mark, status, up (did you mean 'up'?)",
        ),
        ("migrate up --tarfet 1", "unknown option '--tarfet' (did you mean '--target'?)"),
        (
            "migrate up --target x",
            (
                "invalid value for '--target': 'x' is not the number of a migration: "
                "give the digits that its file name starts with"
            ),
        ),
        ("migrate create", "missing argument 'NAME': see 'platform migrate create -h'"),
        ("--fss memory run hello", "unknown option '--fss' (did you mean '--fs'?)"),
        ("run hello --whom Ada --dd memory", "unknown option '--dd' (did you mean '--db'?)"),
    ],
)
def test_what_is_mistyped_is_answered_with_the_nearest(platform: Platform, words: str, error: str) -> None:
    assert platform(*words.split()) == (2, "", f"error: {error}\n")


@pytest.mark.usefixtures("hello")
def test_a_mistyped_module_is_answered_with_the_nearest(platform: Platform) -> None:
    code, _, err = platform("run", "helo")
    assert code == 2
    assert err.startswith("error: unknown module 'helo': installed are ")
    assert err.endswith("(did you mean 'hello'?)\n")


def test_the_problems_of_a_manifest_are_a_line_each(platform: Platform, module: Module) -> None:
    file = module(name="other", type="service") / "module.json"
    assert platform("run", "hello") == (
        2,
        "",
        (
            f"error: {file}: type: it must be 'job', not 'service'\n"
            f"error: {file}: name: it is 'other', but the module is installed as 'hello'\n"
        ),
    )


def test_a_broken_module_does_not_hide_the_others(platform: Platform, module: Module) -> None:
    module(type="service")
    code, out, _ = platform("run", "--help")
    assert code == 0
    assert "hello" in out
    assert "cannot be run:" in out


@pytest.mark.usefixtures("hello")
def test_without_a_command_the_help_is_shown_as_an_error(platform: Platform) -> None:
    for words, part in (([], "run"), (["run"], "hello"), (["migrate"], "status")):
        code, out, err = platform(*words)
        assert (code, out) == (2, "")
        assert part in err


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


@pytest.mark.usefixtures("hello")
def test_every_command_has_a_help_that_needs_no_settings(platform: Platform) -> None:
    paths = list(commands(root))
    assert {("run", "hello"), ("migrate", "up"), ("migrate", "create")} <= set(paths)
    for path in paths:
        code, out, err = platform(*path, "--help", "--env", "nowhere", "--db", "nothing")
        assert (code, err) == (0, "")
        assert platform(*path, "-h") == (0, out, "")
        assert " ".join(["Usage: platform", *path]) in out
        assert "--[no-]auto-migrate" in out


def test_the_version_is_that_of_the_distribution(platform: Platform) -> None:
    assert platform("--version") == (0, f"platform {version('platform-cli')}\n", "")
