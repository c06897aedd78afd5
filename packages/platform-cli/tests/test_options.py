"""Options without a value, options given twice (A8, A9), and defaults that depend on the environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platform_cli.manifest import read_manifest
from platform_interfaces import ConfigurationError

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

ARGS = [
    {"name": "path", "type": "string", "required": True},
    {"name": "times", "type": "integer"},
    {"name": "dry-run", "type": "boolean", "default": False},
]
PRINT_CONFIG = """
    async def run(ctx):
        print(dict(ctx.config))
        return 0
"""


@pytest.fixture(autouse=True)
def hello(module: Module) -> None:
    module(PRINT_CONFIG, args=ARGS)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("run hello --path --dry-run", "--path"),
        ("run hello --path --no-dry-run", "--path"),
        ("run hello --path p --times --dry-run", "--times"),
        ("run hello --path", "--path"),
        ("run hello --path -- p", "--path"),
        ("run hello --path --times 3", "--path"),
        ("run hello --path —dry-run", "--path"),
        ("run hello --path p --db --fs memory", "--db"),
        ("--db --fs memory run hello --path p", "--db"),
        ("run --env --db memory hello --path p", "--env"),
        ("migrate up --target --dry-run", "--target"),
        ("migrate up --dir --dry-run", "--dir"),
        ("rejects list --fs", "--fs"),
    ],
)
def test_a8_an_option_that_another_one_follows_lacks_its_value(
    platform: Platform, words: str, option: str
) -> None:
    code, out, err = platform(*words.split())
    assert (code, out) == (2, "")
    assert f"error: option {option!r} needs a value" in err


@pytest.mark.parametrize(
    ("words", "path"),
    [(["--path=--dry-run"], "--dry-run"), (["--path", "-1"], "-1"), (["--path", "-"], "-")],
)
def test_a8_what_is_given_with_a_sign_or_begins_with_one_dash_is_a_value(
    platform: Platform, words: list[str], path: str
) -> None:
    code, out, _ = platform("run", "hello", *words, "--times", "-3")
    config = {"path": path, "times": -3, "dry-run": False}
    assert (code, out) == (0, f"{config}\n")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("run hello --path a --path b", "option '--path' is given more than once: give it once"),
        ("run hello --path a --path=a", "option '--path' is given more than once: give it once"),
        ("run hello --path a --times 1 --times x", "option '--times' is given more than once: give it once"),
        (
            "run hello --path a --dry-run --dry-run",
            "option '--dry-run' is given more than once: give it once",
        ),
        (
            "run hello --path a --dry-run --no-dry-run",
            "options '--dry-run' and '--no-dry-run' exclude each other: give one of them",
        ),
        (
            "run hello --path a --auto-migrate --no-auto-migrate",
            "options '--auto-migrate' and '--no-auto-migrate' exclude each other: give one of them",
        ),
        ("run hello --path a --db memory --db memory", "option '--db' is given more than once: give it once"),
        ("--db memory run hello --path a --db memory", "option '--db' is given more than once: give it once"),
        ("--env test run --env local hello --path a", "option '--env' is given more than once: give it once"),
        (
            "--auto-migrate run hello --path a --no-auto-migrate",
            "option '--auto-migrate' is given more than once: give it once",
        ),
        (
            "--fs local --fs local run hello --path a",
            "option '--fs' is given more than once: give it once",
        ),
        ("migrate up --target 1 --target 2", "option '--target' is given more than once: give it once"),
        ("migrate up --dry-run --dry-run", "option '--dry-run' is given more than once: give it once"),
        ("migrate down --count 1 --count 1", "option '--count' is given more than once: give it once"),
    ],
)
def test_a9_an_option_is_given_once(platform: Platform, words: str, problem: str) -> None:
    code, out, err = platform(*words.split())
    assert (code, out) == (2, "")
    assert f"error: {problem}\n" in err


def test_a8_and_a9_are_reported_with_all_other_problems(platform: Platform) -> None:
    code, _, err = platform("run", "hello", "--times", "x", "--db", "memory", "--db", "memory", "--path")
    assert (code, len(err.splitlines())) == (2, 3)


DEPENDS: list[dict[str, Any]] = [
    {"name": "loose", "type": "boolean", "default": False, "default_in": {"local": True, "test": True}},
    {"name": "n", "type": "integer", "default_in": {"test": 7}, "choices": [7, 8]},
]


@pytest.fixture
def depending(site: Path) -> None:
    import json

    file = site / "hello_job" / "module.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "args": DEPENDS}))


@pytest.mark.usefixtures("depending")
@pytest.mark.parametrize(
    ("words", "variable", "expected"),
    [
        ("run hello", "", {"loose": True, "n": None}),
        ("run hello --env test", "", {"loose": True, "n": 7}),
        ("--env test run hello --no-loose --n 8", "", {"loose": False, "n": 8}),
        ("run hello", "test", {"loose": True, "n": 7}),
        ("run hello", "staging", {"loose": False, "n": None}),
        ("run --env production hello --loose", "test", {"loose": True, "n": None}),
        ("run hello --env demo", "", {"loose": False, "n": None}),
    ],
)
def test_a_default_of_an_environment_holds_in_that_one(
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
    project: Path,
    words: str,
    variable: str,
    expected: dict[str, object],
) -> None:
    (project / ".env" / "demo.env").touch()
    monkeypatch.setenv("PLATFORM_ENV", variable)
    assert platform(*words.split())[:2] == (0, f"{expected}\n")


@pytest.mark.usefixtures("depending")
def test_the_help_shows_the_default_of_each_environment(platform: Platform) -> None:
    text = " ".join(platform("run", "hello", "--help")[1].split())
    assert "--loose / --no-loose [default: on in local and test; else off]" in text
    assert "[default: 7 in test; else none]" in text


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"type": "boolean", "default_in": {"local": "yes"}},
            "default_in.local: 'yes' is not of type boolean",
        ),
        ({"type": "integer", "default_in": {"local": True}}, "default_in.local: True is not of type integer"),
        (
            {"type": "string", "choices": ["a"], "default_in": {"test": "b"}},
            "default_in.test: 'b' is none of the choices",
        ),
        (
            {"type": "string", "required": True, "default_in": {"test": "b"}},
            "default_in: a required argument has none",
        ),
        (
            {"type": "string", "default_in": {"a b": "b"}},
            "default_in: 'a b' cannot be the name of an environment",
        ),
        ({"type": "string", "default_in": []}, "default_in: it must be an object, not []"),
    ],
)
def test_what_is_wrong_with_such_a_default_is_named(
    site: Path, changes: dict[str, Any], problem: str
) -> None:
    import json

    file = site / "hello_job" / "module.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "args": [{"name": "x", **changes}]}))
    with pytest.raises(ConfigurationError) as caught:
        read_manifest("hello")
    assert str(caught.value) == f"{file}: args[0].{problem}"
