from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platform_cli.manifest import Argument, read_manifest
from platform_interfaces import ConfigurationError

Module = Callable[..., Path]

WHOM = {"name": "whom", "description": "Who is greeted.", "required": True, "type": "string"}


def test_a_manifest_is_read_whole_without_importing_the_module(module: Module) -> None:
    times = {"name": "times-x", "type": "integer", "default": 2, "choices": [1, 2]}
    module(
        "raise AssertionError('imported')",
        dependencies={"interfaces": ["database", "logging"], "modules": ["other"]},
        args=[WHOM, times],
    )
    manifest = read_manifest("hello")
    assert (manifest.name, manifest.package, manifest.display_name) == ("hello", "hello_job", "Hello")
    assert (manifest.interfaces, manifest.modules) == (("database", "logging"), ("other",))
    assert manifest.arguments == (
        Argument("whom", "Who is greeted.", "string", True, None, ()),
        Argument("times-x", "", "integer", False, 2, (1, 2)),
    )


def problems(module: Module, **changes: Any) -> list[str]:
    """Return what is wrong, without the name of the file that each line starts with."""
    package = module(**changes)
    with pytest.raises(ConfigurationError) as caught:
        read_manifest("hello")
    start = f"{package / 'module.json'}: "
    lines = str(caught.value).splitlines()
    assert all(line.startswith(start) for line in lines)
    return [line.removeprefix(start) for line in lines]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "other"}, "name: it is 'other', but the module is installed as 'hello'"),
        ({"name": 7}, "name: it must be a string, not 7"),
        ({"type": "service"}, "type: it must be 'job', not 'service'"),
        ({"versoin": "1"}, "versoin: unknown key (did you mean 'version'?)"),
        ({"dependencies": []}, "dependencies: it must be an object, not []"),
        (
            {"dependencies": {"interfaces": ["databse"]}},
            (
                "dependencies.interfaces[0]: it must be one of database, filesystem, logging, secrets, "
                "executor, not 'databse' (did you mean 'database'?)"
            ),
        ),
        ({"dependencies": {"modules": [1]}}, "dependencies.modules[0]: it must be a string, not 1"),
        ({"dependencies": {"packages": []}}, "dependencies.packages: unknown key"),
        ({"args": {}}, "args: it must be a list, not {}"),
        ({"args": ["whom"]}, "args[0]: it must be an object, not 'whom'"),
    ],
)
def test_what_is_wrong_with_the_module_is_named(
    module: Module, changes: dict[str, Any], problem: str
) -> None:
    assert problem in problems(module, **changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"type": "int"},
            "args[0].type: 'int' is none of boolean, float, integer, string (did you mean 'integer'?)",
        ),
        ({"required": "yes"}, "args[0].required: it must be true or false, not 'yes'"),
        ({"help": "x"}, "args[0].help: unknown key"),
        (
            {"type": "integer", "required": False, "default": "2"},
            "args[0].default: '2' is not of type integer",
        ),
        (
            {"type": "integer", "required": False, "default": True},
            "args[0].default: True is not of type integer",
        ),
        (
            {"type": "float", "required": False, "default": float("nan")},
            "args[0].default: nan is not of type float",
        ),
        ({"type": "boolean", "choices": [True]}, "args[0].choices: a boolean has no choices"),
        ({"choices": ["a", 1]}, "args[0].choices: 1 is not of type string"),
        (
            {"required": False, "choices": ["a"], "default": "b"},
            "args[0].default: 'b' is none of the choices",
        ),
        ({"default": "Ada"}, "args[0].default: a required argument has none"),
        ({"name": "db"}, "args[0].name: 'db' clashes with an option of the platform: rename it"),
        (
            {"name": "auto_migrate"},
            "args[0].name: 'auto_migrate' clashes with an option of the platform: rename it",
        ),
        ({"name": "help"}, "args[0].name: 'help' clashes with an option of the platform: rename it"),
        ({"name": "json"}, "args[0].name: 'json' clashes with an option of the platform: rename it"),
        ({"name": "quiet"}, "args[0].name: 'quiet' clashes with an option of the platform: rename it"),
        ({"name": "Verbose"}, "args[0].name: 'Verbose' clashes with an option of the platform: rename it"),
        ({"name": ""}, "args[0].name: '' must be letters and digits, with single '-' or '_' between"),
        (
            {"name": "--whom"},
            "args[0].name: '--whom' must be letters and digits, with single '-' or '_' between",
        ),
        ({"name": "a b"}, "args[0].name: 'a b' must be letters and digits, with single '-' or '_' between"),
    ],
)
def test_what_is_wrong_with_an_argument_is_named(
    module: Module, changes: dict[str, Any], problem: str
) -> None:
    assert problem in problems(module, args=[WHOM | changes])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (WHOM, WHOM),
        ({"name": "a-b", "type": "string"}, {"name": "a_B", "type": "string"}),
        ({"name": "cache", "type": "boolean"}, {"name": "no-cache", "type": "boolean"}),
    ],
)
def test_two_arguments_of_one_option_clash(
    module: Module, first: dict[str, Any], second: dict[str, Any]
) -> None:
    assert problems(module, args=[first, second]) == [
        f"args[1].name: {second['name']!r} clashes with an option of the module: rename it"
    ]


def test_all_problems_of_a_manifest_are_reported_at_once(module: Module) -> None:
    assert len(problems(module, name="other", type="x", args=[{"name": "db"}, 7], extra=1)) == 6


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"{", "it is not readable JSON: Expecting property name"),
        (b"\xff", "it is not readable JSON: 'utf-8' codec can't decode"),
        (b"[]", "it must hold one JSON object"),
    ],
)
def test_a_file_that_is_not_a_json_object_is_named(module: Module, text: bytes, problem: str) -> None:
    file = module() / "module.json"
    file.write_bytes(text)
    with pytest.raises(ConfigurationError) as caught:
        read_manifest("hello")
    assert str(caught.value).startswith(f"{file}: {problem}")


def test_a_package_without_the_file_is_named(module: Module) -> None:
    (module() / "module.json").unlink()
    with pytest.raises(
        ConfigurationError, match=r"module 'hello' has no 'module\.json' beside .*'hello_job'"
    ):
        read_manifest("hello")


def test_an_entry_point_to_a_package_that_is_gone_is_named(install: Callable[..., Path]) -> None:
    install("elsewhere", {"platform.modules": {"hello": "gone.package"}})
    with pytest.raises(
        ConfigurationError, match=r"module 'hello' has no 'module\.json' beside .*'gone\.package'"
    ):
        read_manifest("hello")
